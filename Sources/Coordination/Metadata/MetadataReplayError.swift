package import Primitives

/// A record that does not fit the image it should change: the log is damaged, or was written by
/// something that does not keep Kafka's rules.
package struct MetadataReplayError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Reason: Equatable, Sendable {
        case unknownTopic(TopicID)
        case unknownPartition(TopicID, PartitionIndex)
        case topicExists(name: String, TopicID)
        case unknownBroker(BrokerID)
        case brokerEpochMismatch(BrokerID, expected: BrokerEpoch, found: BrokerEpoch)
        case producerIDWentBack(from: ProducerID, to: ProducerID)
        /// A field outside what the format allows; the text says which, and what was expected.
        case invalidField(String)
        case transactionInsideTransaction(startedAt: Offset)
        case noTransactionOpen
        /// `MetadataImage.applying` was given a mark that only `MetadataReplay` understands.
        case transactionMark
    }

    package let reason: Reason
    /// Where in the metadata log the record lies.
    package let offset: Offset

    package init(_ reason: Reason, at offset: Offset) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String {
        let what =
            switch reason {
            case .unknownTopic(let id): "no topic has the id \(id)"
            case .unknownPartition(let id, let index): "topic \(id) has no partition \(index)"
            case .topicExists(let name, let id): "topic '\(name)' exists already, with id \(id)"
            case .unknownBroker(let id): "broker \(id) is not registered"
            case .brokerEpochMismatch(let id, let expected, let found):
                "broker \(id) has epoch \(expected), the record says \(found)"
            case .producerIDWentBack(let from, let to):
                "the next producer id goes back from \(from) to \(to)"
            case .invalidField(let text): text
            case .transactionInsideTransaction(let start):
                "a transaction begins within the one begun at offset \(start)"
            case .noTransactionOpen: "a transaction ends that was not begun"
            case .transactionMark: "a transaction's mark where none may stand"
            }
        return "metadata record at offset \(offset): \(what)"
    }
}
