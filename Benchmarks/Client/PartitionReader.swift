internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// Reads a partition in order, one request after the other's answer.
struct PartitionReader {
    let socket: BlockingSocket
    let topic: String
    let partition: Int32
    /// The most that one request asks for.
    let fetchBytes: Int
    /// Of the next record.
    private(set) var offset: Int64 = 0

    init(socket: BlockingSocket, topic: String, partition: Int32, fetchBytes: Int) {
        self.socket = socket
        self.topic = topic
        self.partition = partition
        self.fetchBytes = fetchBytes
    }

    /// Fetches what comes next, at least one batch, and shows each whole batch to `visit`.
    ///
    /// - Returns: how many bytes came. A batch cut off at the end is sent again, and counts as often
    ///   as it is sent.
    mutating func next(
        _ visit: (RecordBatch) throws(BatchError) -> Void = { _ in }
    ) throws(BenchmarkFailed) -> Int {
        try socket.send(
            KafkaClient.fetchFrame(
                topic: topic, partition: partition, from: offset, bytes: fetchBytes))
        let response = try KafkaClient.response(
            to: FetchRequest.self, try socket.receiveFrame(), version: KafkaClient.fetchVersion)
        guard let answer = response.responses.first?.partitions.first, answer.errorCode == 0,
            case .bytes(let records) = answer.records
        else { throw BenchmarkFailed("a fetch was refused: \(response)") }
        let before = offset
        var batches = RecordBatches(records)
        do throws(BatchError) {
            while let batch = try batches.next() {
                try visit(batch)
                offset = batch.header.nextOffset.rawValue
            }
        } catch { throw BenchmarkFailed("a fetch answered no batches: \(error)") }
        guard offset > before else { throw BenchmarkFailed("no record at offset \(before)") }
        return records.count
    }
}
