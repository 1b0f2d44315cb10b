internal import Primitives
internal import RecordFormat

extension DiskState {
    /// Segments of topics that are not the brokers' own.
    var dataLogs: [String] {
        paths.filter { $0.hasSuffix(".log") && !$0.contains("/__") }
    }

    /// Takes producers' ids and sequences out of all batches of data, and their snapshots away.
    mutating func forgetProducers() {
        for path in dataLogs {
            guard let content = content(path) else { continue }
            replace(path, with: Self.anonymous(content))
        }
        for path in paths where path.hasSuffix(".snapshot") && !path.contains("/__") {
            remove(path)
        }
    }

    /// The same batches without their producers, as far as they can be read.
    private static func anonymous(_ content: [UInt8]) -> [UInt8] {
        var batches = RecordBatches(Bytes(content))
        var result: [UInt8] = []
        while let batch = try? batches.next() {
            result += anonymous(batch)?.array ?? batch.bytes.array
        }
        return result + content[result.count...]
    }

    private static func anonymous(_ batch: RecordBatch) -> Bytes? {
        do {
            var cursor = try batch.records(decompressionLimit: 1 << 20)
            var builder = RecordBatchBuilder(
                baseOffset: batch.header.baseOffset,
                leaderEpoch: batch.header.partitionLeaderEpoch)
            while let record = try cursor.next() { builder.append(record) }
            return try builder.build()
        } catch {
            return nil
        }
    }
}
