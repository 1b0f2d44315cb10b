import Primitives
import Testing

@testable import RecordFormat

/// A log directory that Apache Kafka 3.9 wrote, and what its records are.
private enum Golden {
    /// `shared/golden` beside the repository, found from this file upward; nil where it is not
    /// there.
    static let directory: String? = {
        let files = PosixFileSystem()
        var path = #filePath[...]
        while let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            path = path[..<slash]
            let candidate = "\(path)/shared/golden"
            if let found = try? files.attributes(candidate), found.kind == .directory {
                return candidate
            }
        }
        return nil
    }()

    /// Every segment under a directory of the log, in order.
    static func segments(_ log: String) throws -> [Bytes] {
        let path = "\(directory ?? "")/kafka-3.9/\(log)"
        let files = PosixFileSystem()
        return try files.list(path).filter { $0.hasSuffix(".log") || $0.hasSuffix(".checkpoint") }
            .map { try files.readAll("\(path)/\($0)", limit: 1 << 24) }
    }

    static func batches(_ log: String) throws -> [RecordBatch] {
        var found: [RecordBatch] = []
        for segment in try segments(log) {
            var batches = RecordBatches(segment)
            while let batch = try batches.next() { found.append(batch) }
            #expect(batches.remaining == 0)
        }
        return found
    }
}

@Suite(
    "A directory of Apache Kafka 3.9",
    .enabled(if: Golden.directory != nil, "shared/golden is not beside this repository"))
struct GoldenDirectoryTests {
    private static let logs = [
        "__cluster_metadata-0", "__consumer_offsets-0", "__consumer_offsets-1",
        "__transaction_state-0", "__transaction_state-1", "g-compact-0", "g-gzip-0",
        "g-idempotent-0", "g-idempotent-1", "g-lz4-0", "g-none-0", "g-snappy-0", "g-txn-0",
        "g-txn-1", "g-zstd-0",
    ]

    @Test("its records are the ones that were written", arguments: Compression.allCases)
    func records(codec: Compression) throws {
        let files = PosixFileSystem()
        let text = try files.readAll(
            "\(Golden.directory ?? "")/kafka-3.9-expected.json", limit: 1 << 24)
        guard case .object(let topics) = try JSON(text),
            case .array(let expected)? = topics["g-\(codec)"]
        else {
            Issue.record("no records expected for \(codec)")
            return
        }
        var found: [JSON] = []
        for batch in try Golden.batches("g-\(codec)-0") {
            #expect(batch.header.compression == codec)
            var records = try batch.records(decompressionLimit: 1 << 20)
            found += try records.rest().map(JSON.init)
        }
        #expect(found == expected)
    }

    @Test("every batch is valid and is built again to the same bytes", arguments: logs)
    func rebuilt(log: String) throws {
        let batches = try Golden.batches(log)
        #expect(!batches.isEmpty)
        for batch in batches {
            try batch.validate(from: .log)
            var records = try batch.records(decompressionLimit: 1 << 20)
            var builder = RecordBatchBuilder(rewriting: batch.header, compression: Compression.none)
            while let record = try records.next() { builder.append(record) }
            let rebuilt = try builder.build(lastOffset: batch.header.lastOffset)
            let flat = try batch.recompressed(to: .none, decompressionLimit: 1 << 20)
            #expect(rebuilt == flat)
            if batch.header.compression == .none { #expect(rebuilt == batch.bytes) }
        }
    }

    @Test("every control record is known and is written to the same bytes", arguments: logs)
    func control(log: String) throws {
        for batch in try Golden.batches(log) where batch.header.attributes.isControl {
            var records = try batch.records(decompressionLimit: 1 << 20)
            while let record = try records.next() {
                let control = try ControlRecord(record)
                if case .unknown = control { Issue.record("unknown control record") }
                #expect(control.key == record.key)
                #expect(control.value == record.value)
            }
        }
    }
}

extension JSON {
    /// The form in which the expected records are written down.
    fileprivate init(_ record: Record) {
        func text(_ bytes: Bytes?) -> JSON { bytes.map { .string($0.text ?? "?") } ?? .null }
        self = .array([
            .number(record.offset.rawValue), text(record.key), text(record.value),
            .array(record.headers.map { .array([text($0.key), text($0.value)]) }),
            .number(record.timestamp.rawValue),
        ])
    }
}
