internal import Foundation
internal import LogCore
internal import Primitives
internal import RecordFormat
internal import Testing

@testable internal import apus

@Suite struct DumpTests {
    /// A partition with one record of each odd kind.
    private func oddities() throws -> OwnLogs {
        let logs = try OwnLogs()
        let (directory, log) = try logs.open()
        var builder = RecordBatchBuilder()
        let time = Timestamp(1_700_000_000_000)
        builder.append(timestamp: time, key: nil, value: nil)
        builder.append(timestamp: time, key: Bytes(""), value: Bytes([0xff, 0x00, 0x01]))
        builder.append(
            timestamp: time, key: Bytes("\u{1}\"\\\n\r\t/é€𝄞"), value: Bytes([0xc3]),
            headers: [RecordHeader("h", nil), RecordHeader(key: Bytes([0xfe]), value: Bytes("é"))])
        _ = try log.append(builder.build(), leaderEpoch: LeaderEpoch(3), now: time)
        try directory.close()
        return logs
    }

    @Test("JSON has strings where bytes are UTF-8, base64 where not, null where there are none")
    func json() throws {
        let logs = try oddities()
        let outcome = apus("log", "dump", "--json", logs.path + "/t-0")
        #expect(outcome.code == .success && outcome.errors.isEmpty)
        let objects = try outcome.objects()
        #expect(objects.count == 3)
        #expect(Set(objects[0].keys) == ["offset", "timestamp", "key", "value", "headers"])
        #expect(objects[0]["key"] is NSNull && objects[0]["value"] is NSNull)
        #expect(objects[1]["key"] as? String == "")
        #expect(objects[1]["value"] as? [String: String] == ["base64": "/wAB"])
        #expect(objects[2]["key"] as? String == "\u{1}\"\\\n\r\t/é€𝄞")
        #expect(objects[2]["value"] as? [String: String] == ["base64": "ww=="])
        let headers = try #require(objects[2]["headers"] as? [[Any]])
        #expect(headers[0][0] as? String == "h" && headers[0][1] is NSNull)
        #expect(headers[1][0] as? [String: String] == ["base64": "/g=="])
        #expect(headers[1][1] as? String == "é")
    }

    @Test("the plain form has a line for each file and each record")
    func plain() throws {
        let logs = try oddities()
        let file = logs.path + "/t-0/00000000000000000000.log"
        let outcome = apus("log", "dump", file)
        #expect(
            outcome.lines == [
                "# \(file)", "0 2023-11-14T22:13:20.000Z key=null value=null",
                "1 2023-11-14T22:13:20.000Z key=\"\" value={\"base64\":\"/wAB\"}",
                "2 2023-11-14T22:13:20.000Z key=\"\\u0001\\\"\\\\\\n\\r\\t/é€𝄞\" "
                    + "value={\"base64\":\"ww==\"} header \"h\"=null header "
                    + "{\"base64\":\"/g==\"}=\"é\"",
            ])
    }

    @Test("a damaged batch is told on standard error, and the others are printed")
    func damage() throws {
        let logs = try OwnLogs()
        let name = try #require(try logs.filled().first)
        try logs.place.flip("t-0/" + name, at: 70)
        let outcome = apus("log", "dump", "--json", logs.path + "/t-0")
        #expect(outcome.code == .damaged)
        #expect(outcome.errors.contains("t-0/\(name) at position 0: "))
        #expect(try outcome.objects().map { $0["offset"] as? Int } == Array(1..<20))
    }

    @Test("a segment that a broker removed is passed over, one that cannot be read is said")
    func lostSegments() throws {
        let logs = try OwnLogs()
        let names = try logs.filled()
        try #require(names.count > 2)
        // Listed, and not there.
        try logs.place.remove("t-0/" + names[0])
        try FileManager.default.createSymbolicLink(
            atPath: "\(logs.path)/t-0/\(names[0])", withDestinationPath: "/nowhere/at all")
        let gone = apus("log", "stat", "--json", logs.path)
        #expect(gone.code == .success && gone.errors.isEmpty)
        #expect(try gone.objects().first?["segments"] as? Int == names.count - 1)

        try logs.place.remove("t-0/" + names[1])
        try PosixFileSystem().createDirectory("\(logs.path)/t-0/\(names[1])")
        let dump = apus("log", "dump", "--json", logs.path)
        #expect(dump.code == .io)
        #expect(dump.errors.contains(names[1]) && !dump.errors.contains(names[0]))
        let first = try #require(Int(names[2].prefix(20)))
        #expect(try dump.objects().map { $0["offset"] as? Int } == Array(first..<20))
        let stat = apus("log", "stat", logs.path)
        #expect(stat.code == .io && stat.lines.last?.hasPrefix("total: 0") == true)
    }

    @Test("statistics of a log that stops making sense end with code 1")
    func damagedStatistics() throws {
        let logs = try OwnLogs()
        let name = try #require(try logs.filled().first)
        // The magic of the first batch.
        try logs.place.flip("t-0/" + name, at: 16, bit: 0x40)
        let outcome = apus("log", "stat", logs.path)
        #expect(outcome.code == .damaged)
        #expect(outcome.errors.contains("\(name) at position 0: no batch"))
    }
}

/// Kafka's own directory; skipped where it is not beside the repository.
@Suite(.enabled(if: Golden.directory != nil))
struct GoldenDumpTests {
    @Test("the records are those that were written", arguments: Golden.topics)
    func records(topic: String) throws {
        let expected = try Golden.records(topic)
        let outcome = apus("log", "dump", "--json", "\(Golden.kafka)/\(topic)-0/")
        #expect(outcome.code == .success && outcome.errors.isEmpty)
        let objects = try outcome.objects()
        #expect(Golden.records(objects) == expected)
        #expect(objects.allSatisfy { $0.count == 5 })
    }

    @Test("of a whole log directory each record tells its partition")
    func root() throws {
        let objects = try apus("log", "dump", "--json", Golden.kafka).objects()
        for topic in Golden.topics {
            let own = objects.filter { $0["topic"] as? String == topic }
            #expect(try Golden.records(own) == Golden.records(topic))
            #expect(own.allSatisfy { $0["partition"] as? Int == 0 && $0.count == 7 })
        }
        let second = try apus(
            "log", "dump", "--json", "--topic=g-idempotent", "--partition=1", Golden.kafka
        ).objects()
        #expect(second.count == 150)
        #expect(second.allSatisfy { $0["partition"] as? Int == 1 })
    }

    @Test("bounds of offset and time are inclusive")
    func filters() throws {
        func offsets(_ first: String, _ second: String) throws -> [Int?] {
            try apus("log", "dump", "--json", first, second, "\(Golden.kafka)/g-none-0")
                .objects().map { $0["offset"] as? Int }
        }
        #expect(try offsets("--from-offset=198", "--to-offset=201") == [198, 199, 200, 201])
        #expect(
            try offsets("--from-time=1700000060000", "--to-time=2023-11-14T22:14:22Z")
                == [60, 61, 62])
        #expect(try offsets("--from-offset=299", "--to-time=2023-11-14") == [])
        #expect(try offsets("--from-offset=299", "--from-time=0") == [299])
    }

    @Test("control records and batch headers come on request, and so do the other files")
    func request() throws {
        let path = "\(Golden.kafka)/g-txn-0"
        let plain = try apus("log", "dump", "--json", path).objects()
        #expect(plain.count == 41 && plain.allSatisfy { $0["key"] != nil })
        let control = try apus("log", "dump", "--json", "--control", path).objects()
            .compactMap { $0["control"] as? String }
        #expect(control.count == 8 && control.filter { $0 == "abort" }.count == 3)
        let batches = try apus("log", "dump", "--json", "--batches", path).objects()
            .filter { $0["crc"] != nil }
        #expect(batches.count == 17)
        let all = apus("log", "dump", "--all", path).lines
        #expect(all.contains("aborted producer 1 offsets 18..23 last stable offset 24"))
        #expect(all.contains("epoch 0 from offset 0"))
        #expect(all.contains { $0.hasSuffix("transaction open from 48") })
    }

    @Test(
        "each kind of file can be dumped by itself",
        arguments: [
            ("g-none-0/00000000000000000000.index", #"{"offset":99,"position":4694}"#),
            (
                "g-none-0/00000000000000000000.timeindex",
                #"{"timestamp":1700000099000,"offset":99}"#
            ),
            (
                "g-txn-0/00000000000000000000.txnindex",
                #"{"producerId":1,"firstOffset":0,"lastOffset":5,"lastStableOffset":6}"#
            ),
            ("g-none-0/leader-epoch-checkpoint", #"{"epoch":0,"startOffset":0}"#),
            (
                "recovery-point-offset-checkpoint",
                #"{"topic":"__consumer_offsets","partition":0,"offset":6}"#
            ),
            ("meta.properties", ##"{"line":"#"}"##),
            ("g-none-0/partition.metadata", #"{"line":"version: 0"}"#),
        ])
    func files(file: String, firstLine: String) {
        let outcome = apus("log", "dump", "--json", "\(Golden.kafka)/\(file)")
        #expect(outcome.code == .success)
        #expect(outcome.lines.first == firstLine)
    }

    @Test("the metadata log's snapshots are batches like any other")
    func metadataSnapshot() throws {
        let path = "\(Golden.kafka)/bootstrap.checkpoint"
        let objects = try apus("log", "dump", "--json", "--control", path).objects()
        #expect(objects.first?["control"] as? String == "snapshotHeader")
        #expect(objects.last?["control"] as? String == "snapshotFooter")
        #expect(objects.count == 3)
    }
}
