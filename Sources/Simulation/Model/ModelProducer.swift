internal import Primitives
internal import RecordFormat

/// An idempotent producer, as its client keeps it.
struct ModelProducer {
    /// A batch that was taken, to be sent once more.
    struct Sent {
        let sequence: Int32
        let count: Int
        let first: Int64
    }

    let id: Int64
    let isTransactional: Bool
    private(set) var epoch: Int16 = 0
    private(set) var sequence: Int32 = 0
    /// The last five, oldest first: those a log has to know again.
    private(set) var recent: [Sent] = []

    init(id: Int64, isTransactional: Bool) {
        self.id = id
        self.isTransactional = isTransactional
    }

    func builder(at sequence: Int32, compression: Compression = .none) -> RecordBatchBuilder {
        RecordBatchBuilder(
            compression: compression,
            producer: .init(
                id: ProducerID(id), epoch: ProducerEpoch(epoch), baseSequence: sequence),
            isTransactional: isTransactional)
    }

    var marker: RecordBatchBuilder {
        RecordBatchBuilder(
            producer: .init(id: ProducerID(id), epoch: ProducerEpoch(epoch), baseSequence: -1),
            isTransactional: true, isControl: true)
    }

    mutating func noteSent(_ count: Int, at first: Int64) {
        recent.append(Sent(sequence: sequence, count: count, first: first))
        if recent.count > 5 { recent.removeFirst() }
        sequence += Int32(count)
    }

    /// Begins anew, as a client does whose log was cut: of what it sent nobody knows what is left.
    mutating func renew() {
        epoch += 1
        sequence = 0
        recent = []
    }

    /// A snapshot holds no more than the last batch's numbers, as Kafka's format has it.
    mutating func forgetAllButLast() { recent = recent.suffix(1) }
}
