internal import Coordination
internal import LogCore
internal import Primitives
internal import RecordFormat
internal import WireProtocol

extension Refusal {
    /// What the log says, under the code that Kafka has for it.
    init(_ error: LogError) {
        let code: ErrorCode =
            switch error {
            case .offsetOutOfRange: .offsetOutOfRange
            case .recordBatchTooLarge: .messageTooLarge
            case .appendTooLarge: .recordListTooLarge
            case .outOfOrderSequence: .outOfOrderSequenceNumber
            case .invalidProducerEpoch: .invalidProducerEpoch
            case .notInTransaction: .invalidTxnState
            case .transactionCoordinatorFenced: .transactionCoordinatorFenced
            // A client comes again with the same batch.
            case .tooManyTransactions: .concurrentTransactions
            case .noSuchLog, .closed: .unknownTopicOrPartition
            case .syncRefused: .requestTimedOut
            case .io, .offline, .lockedByAnotherProcess, .corrupt, .logExists, .invalidTopicName,
                .offsetsExhausted, .unexpectedAppendOffset, .unexpectedEndOffset,
                .cleaningAbandoned:
                .kafkaStorageError
            case .invalidBatch(let problem): problem.code
            }
        self.init(code, "\(error)")
    }

    init(_ error: BatchError) {
        var records: [Int] = []
        if case .missingKeys(let indices) = error { records = indices }
        self.init(error.code, "\(error)", records: records)
    }
}

extension BatchError {
    /// CORRUPT_MESSAGE is for bytes that are not what was sent, which a client may send again;
    /// what can never become right has a code that is final.
    fileprivate var code: ErrorCode {
        switch self {
        case .truncated, .invalidLength, .checksumMismatch, .compression, .record, .recordOffset,
            .trailingBytes, .invalidOffsets:
            .corruptMessage
        case .unknownCompression: .unsupportedCompressionType
        // An older format too: what would carry it, Produce below 3, is not served.
        case .invalidRecordCount, .baseOffsetNotZero, .controlBatchFromProducer,
            .inconsistentProducer, .missingKeys, .unsupportedMagic:
            .invalidRecord
        }
    }
}
