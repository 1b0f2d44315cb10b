internal import LogCore
internal import Primitives
internal import RecordFormat

/// The batches of a log, one after another, read in pieces of a bounded size. Blocks on the disk:
/// for a background thread.
struct LogBatches {
    private let log: Log
    private let end: Offset
    private let pieceBytes: Int
    private var next: Offset
    private var piece: RecordBatches?

    /// From the log's start to its end as it is now.
    init(of log: Log, pieceBytes: Int) throws(LogReadError) {
        self.log = log
        self.pieceBytes = pieceBytes
        do throws(LogError) {
            next = try log.logStartOffset
            end = try log.logEndOffset
        } catch {
            throw .log(error)
        }
    }

    /// The next batch, its checksum proven; nil behind the last.
    mutating func nextBatch() throws(LogReadError) -> RecordBatch? {
        while next < end {
            if let batch = try batchOfPiece() { return batch }
            let before = next
            piece = RecordBatches(try readPiece())
            guard let batch = try batchOfPiece() else { throw .nothingToRead(at: before) }
            return batch
        }
        return nil
    }

    private mutating func batchOfPiece() throws(LogReadError) -> RecordBatch? {
        do throws(BatchError) {
            guard let batch = try piece?.next() else { return nil }
            try batch.validate(from: .log)
            next = batch.header.nextOffset
            return batch
        } catch {
            throw .batch(error, at: next)
        }
    }

    private func readPiece() throws(LogReadError) -> Bytes {
        do throws(LogError) {
            let slice = try log.read(from: next, upTo: end, maxBytes: pieceBytes, minOneBatch: true)
            guard let region = slice.region else { return .empty }
            do throws(FileError) {
                return try region.file.read(count: region.count, at: region.position)
            } catch {
                throw LogError.io(error)
            }
        } catch {
            throw .log(error)
        }
    }
}

/// Why a log that should be readable to its end is not.
enum LogReadError: Error, Sendable, CustomStringConvertible {
    case log(LogError)
    case batch(BatchError, at: Offset)
    case nothingToRead(at: Offset)
    case record(DecodeError, at: Offset)

    var description: String {
        switch self {
        case .log(let error): "\(error)"
        case .batch(let error, let offset): "the batch at offset \(offset): \(error)"
        case .nothingToRead(let offset): "there is no whole batch at offset \(offset)"
        case .record(let error, let offset): "the record at offset \(offset): \(error)"
        }
    }
}
