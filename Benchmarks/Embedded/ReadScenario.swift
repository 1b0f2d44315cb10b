internal import LogCore
internal import Primitives

/// Records read through the embedding face, one after another and at random places, beside bare
/// reads of the same file, which hand out no records.
struct ReadScenario: Scenario {
    let name = "logcore-read"
    let summary = "sequential and random reads of 100-byte records, beside bare reads of the file"

    private static let recordBytes = 100

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        try bench.withDirectory { (path) throws(BenchmarkFailed) in
            let partition = try fill(path + "/store", bench.scaled(2_000_000))
            let log = path + "/store/read-0/00000000000000000000.log"
            return [
                try sequential(bench, partition, log), try random(bench, partition, log),
            ]
        }
    }

    private func fill(_ path: String, _ count: Int) throws(BenchmarkFailed) -> LogPartition {
        do {
            let store = try LogStore.open(path)
            // Small batches: what a random read has to look through is a batch.
            var settings = TopicSettings()
            settings.batchBytes = 4096
            let topic = try store.createTopic("read", settings: settings)
            let value = RecordBytes([UInt8](repeating: 0x61, count: Self.recordBytes))
            let records = [NewRecord](repeating: NewRecord(value), count: 1000)
            for _ in 0..<max(1, count / records.count) { try topic.append(records) }
            return try topic.partition(0)
        } catch { throw BenchmarkFailed("\(error)") }
    }

    private func sequential(
        _ bench: Workbench, _ partition: LogPartition, _ log: String
    ) throws(BenchmarkFailed) -> Figure {
        var ours = 0.0
        var limit = 0.0
        for _ in 0..<bench.rounds {
            limit = max(
                limit,
                try rate(of: log) { (file, count) throws(FileError) in
                    let buffer = ByteStorage(capacity: 1 << 18)
                    var position = 0
                    while true {
                        let got = unsafe try file.read(into: buffer.unsafeMutable, at: position)
                        if got == 0 { break }
                        position += got
                    }
                    // As many records as lie in so many bytes.
                    count += position / Self.recordBytes
                })
            ours = max(
                ours,
                try rate { (count) throws in
                    var reader = partition.reader(from: .earliest)
                    var bytes = 0
                    while let record = try reader.next() {
                        bytes += record.value?.count ?? 0
                        count += 1
                    }
                    precondition(bytes == count * Self.recordBytes, "a record came out changed")
                })
        }
        return Figure(what: "one after another", unit: "records/s", ours: ours, limit: limit)
    }

    private func random(
        _ bench: Workbench, _ partition: LogPartition, _ log: String
    ) throws(BenchmarkFailed) -> Figure {
        let reads = bench.scaled(200_000)
        var ours = 0.0
        var limit = 0.0
        for _ in 0..<bench.rounds {
            limit = max(
                limit,
                try rate(of: log) { (file, count) throws(FileError) in
                    let size = try file.size()
                    let buffer = ByteStorage(capacity: 4096)
                    var place = Scatter()
                    while count < reads {
                        _ = unsafe try file.read(
                            into: buffer.unsafeMutable, at: place.next(below: size - 4096))
                        count += 1
                    }
                })
            ours = max(
                ours,
                try rate { (count) throws in
                    let end = Int(try partition.endOffset)
                    var place = Scatter()
                    while count < reads {
                        let offset = Int64(place.next(below: end))
                        let found = try partition.read(from: .offset(offset), maxRecords: 1)
                        precondition(found.first?.offset == offset, "another record was read")
                        count += 1
                    }
                })
        }
        return Figure(
            what: "one at a random place, beside 4 KiB of the file", unit: "reads/s", ours: ours,
            limit: limit)
    }

    // MARK: Measuring

    private func rate(
        _ body: (inout Int) throws -> Void
    ) throws(BenchmarkFailed) -> Double {
        let start = monotonicSeconds()
        var count = 0
        do { try body(&count) } catch { throw BenchmarkFailed("\(error)") }
        return Double(count) / (monotonicSeconds() - start)
    }

    private func rate(
        of path: String, _ body: (any File, inout Int) throws(FileError) -> Void
    ) throws(BenchmarkFailed) -> Double {
        let start = monotonicSeconds()
        var count = 0
        do throws(FileError) {
            try body(try PosixFileSystem().open(path, .read), &count)
        } catch { throw BenchmarkFailed("\(error)") }
        return Double(count) / (monotonicSeconds() - start)
    }
}

/// Places all over, the same in each run.
private struct Scatter {
    private var state: UInt64 = 1

    mutating func next(below bound: Int) -> Int {
        // The high bits of Knuth's linear congruence.
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(max(bound, 1)))
    }
}
