internal import Glibc
internal import LogCore
internal import Primitives

/// 100-byte records appended through the embedding face by one thread, beside what a Swift program
/// takes otherwise: a table of SQLite, and a plain file.
///
/// The same records, as many to a batch (to a transaction, to a `write`), in the same run. SQLite
/// in WAL mode, with synchronous=NORMAL where neither waits for the disk and FULL where both do.
struct RecordsScenario: Scenario {
    let name = "logcore-records"
    let summary = "records through the embedding face, beside SQLite and a plain file"

    private static let recordBytes = 100
    private static let batches = [1, 100, 1000]

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        var figures: [Figure] = []
        for batch in Self.batches {
            var rates = Rates()
            for _ in 0..<bench.rounds { try rates.measure(bench, batch) }
            figures += rates.figures(batch)
        }
        return figures
    }

    /// The best of some rounds, records a second by the clock, of which the one thread takes all.
    private struct Rates {
        var ours = 0.0
        var oursSynced = 0.0
        var file = 0.0
        var fileSynced = 0.0
        /// nil on a machine without SQLite.
        var sqlite: Double?
        var sqliteSynced: Double?

        mutating func measure(_ bench: Workbench, _ batch: Int) throws(BenchmarkFailed) {
            // Enough to take a good part of a second each.
            let many = bench.scaled(batch == 1 ? 300_000 : 3_000_000) / batch
            let synced = bench.scaled(1000)
            ours = max(ours, try appending(bench, batch, many, .pageCache))
            oursSynced = max(oursSynced, try appending(bench, batch, synced, .synced))
            file = max(file, try writing(bench, batch, many, isSynced: false))
            fileSynced = max(fileSynced, try writing(bench, batch, synced, isSynced: true))
            let few = bench.scaled(batch == 1 ? 30_000 : 300_000) / batch
            if let rate = try inserting(bench, batch, few, "NORMAL") {
                sqlite = max(sqlite ?? 0, rate)
            }
            if let rate = try inserting(bench, batch, synced, "FULL") {
                sqliteSynced = max(sqliteSynced ?? 0, rate)
            }
        }

        func figures(_ batch: Int) -> [Figure] {
            func figure(
                _ what: String, _ ours: Double, _ limit: Double?, _ budget: Budget? = nil
            ) -> Figure {
                Figure(
                    what: "\(batch) a batch, \(what)", unit: "records/s", ours: ours, limit: limit,
                    budget: budget)
            }
            let isLarge = batch == 1000
            let other = sqlite == nil ? " (no SQLite on this machine)" : ""
            return [
                figure(
                    "beside SQLite NORMAL" + other, ours, sqlite, isLarge ? .ratioAtLeast(30) : nil),
                figure("beside a plain file", ours, file),
                figure("synced, beside SQLite FULL" + other, oursSynced, sqliteSynced),
                figure("synced, beside a file and fdatasync", oursSynced, fileSynced),
            ] + (isLarge ? [figure("a core", ours, nil, .atLeast(5_000_000))] : [])
        }
    }

    // MARK: The three

    private static func appending(
        _ bench: Workbench, _ batch: Int, _ count: Int, _ durability: Durability
    ) throws(BenchmarkFailed) -> Double {
        try bench.withDirectory { (path) throws(BenchmarkFailed) in
            do {
                let store = try LogStore.open(path + "/store")
                let topic = try store.createTopic("records")
                let records = (0..<batch).map { _ in
                    NewRecord(RecordBytes([UInt8](repeating: 0x61, count: recordBytes)))
                }
                let start = monotonicSeconds()
                for _ in 0..<count { _ = try topic.append(records, durability: durability) }
                let seconds = monotonicSeconds() - start
                try store.close()
                return Double(count * batch) / seconds
            } catch { throw BenchmarkFailed("\(error)") }
        }
    }

    private static func inserting(
        _ bench: Workbench, _ batch: Int, _ count: Int, _ synchronous: String
    ) throws(BenchmarkFailed) -> Double? {
        try bench.withDirectory { (path) throws(BenchmarkFailed) -> Double? in
            guard let database = try SQLite(opening: path + "/records.db") else { return nil }
            try database.execute("PRAGMA journal_mode=WAL")
            try database.execute("PRAGMA synchronous=\(synchronous)")
            try database.execute("CREATE TABLE records(number INTEGER PRIMARY KEY, value BLOB)")
            let insert = try SQLite.Statement(
                database, "INSERT INTO records(value) VALUES (?)")
            let begin = try SQLite.Statement(database, "BEGIN")
            let commit = try SQLite.Statement(database, "COMMIT")
            let record = [UInt8](repeating: 0x61, count: recordBytes)
            let start = monotonicSeconds()
            for _ in 0..<count {
                try begin.run()
                for _ in 0..<batch { try insert.run(record) }
                try commit.run()
            }
            return Double(count * batch) / (monotonicSeconds() - start)
        }
    }

    /// A length and the record's bytes, as many as a batch has in one `write`.
    private static func writing(
        _ bench: Workbench, _ batch: Int, _ count: Int, isSynced: Bool
    ) throws(BenchmarkFailed) -> Double {
        try bench.withDirectory { (path) throws(BenchmarkFailed) in
            do throws(FileError) {
                let file = try PosixFileSystem().open(path + "/records", .replace)
                let record = [UInt8](repeating: 0x61, count: recordBytes)
                var position = 0
                let start = monotonicSeconds()
                for _ in 0..<count {
                    var writer = ByteWriter(capacity: batch * (recordBytes + 4))
                    for _ in 0..<batch {
                        writer.write(Int32(recordBytes))
                        unsafe record.withUnsafeBytes { unsafe writer.write(raw: $0) }
                    }
                    let bytes = writer.finish()
                    try file.write(bytes, at: position)
                    if isSynced { try file.synchronize() }
                    position += bytes.count
                }
                return Double(count * batch) / (monotonicSeconds() - start)
            } catch { throw BenchmarkFailed("\(error)") }
        }
    }
}
