internal import Foundation
internal import LogCore
internal import Primitives
internal import RecordFormat
internal import Testing

@testable internal import apus

/// One way to damage a copy of Kafka's directory, and where it must be found.
struct Damage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let file: String
    /// nil where the file as a whole is named.
    let position: Int?
    let inflict: @Sendable (Place) throws -> Void

    init(
        _ description: String, in file: String, at position: Int?,
        _ inflict: @escaping @Sendable (Place) throws -> Void
    ) {
        testDescription = description
        self.file = file
        self.position = position
        self.inflict = inflict
    }

    private static let segment = "g-none-0/00000000000000000000"
    private static let transactions = "g-txn-0/00000000000000000000.txnindex"

    /// g-none has batches at 0, 4694, 9263 and 14041 of its first segment, of 18528 bytes.
    static let all = records + indexes + transactional + beside

    private static let records = [
        Damage("a bit in a record", in: segment + ".log", at: 4694) {
            try $0.flip(segment + ".log", at: 5000)
        },
        Damage("a bit in the attributes", in: segment + ".log", at: 4694) {
            try $0.flip(segment + ".log", at: 4694 + 22)
        },
        Damage("a bit in the magic", in: segment + ".log", at: 4694) {
            try $0.flip(segment + ".log", at: 4694 + 16)
        },
        Damage("a length that is too long", in: segment + ".log", at: 4694) {
            try $0.flip(segment + ".log", at: 4694 + 8, bit: 0x40)
        },
        Damage("a length that is too short", in: segment + ".log", at: 4694) {
            try $0.flip(segment + ".log", at: 4694 + 10, bit: 0x10)
        },
        Damage("a bit in a base offset", in: segment + ".log", at: 4694) {
            try $0.flip(segment + ".log", at: 4694 + 7, bit: 0x02)
        },
        Damage("zeros over a batch", in: segment + ".log", at: 4694) {
            var bytes = try $0.content(segment + ".log").array
            for place in 4694..<9263 { bytes[place] = 0 }
            try $0.write(Bytes(bytes), to: segment + ".log")
        },
        Damage("two batches swapped", in: segment + ".log", at: 4694) {
            let bytes = try $0.content(segment + ".log").array
            let swapped: [UInt8] = [0..<4694, 9263..<14041, 4694..<9263, 14041..<18528]
                .flatMap { bytes[$0] }
            try $0.write(Bytes(swapped), to: segment + ".log")
        },
        Damage("a segment cut within a batch", in: segment + ".log", at: 14041) {
            try $0.cut(segment + ".log", to: 16_000)
        },
        Damage("a segment cut between batches", in: "g-none-0/00000000000000000200.log", at: 0) {
            try $0.cut(segment + ".log", to: 14041)
        },
        Damage("the end cut off", in: "g-lz4-0/00000000000000000000.log", at: nil) {
            try $0.cut("g-lz4-0/00000000000000000000.log", to: 15_000)
        },
        Damage("segments under another name", in: "g-none-0/00000000000000000210.log", at: 0) {
            for kind in ["log", "index", "timeindex", "snapshot"] {
                let name = "g-none-0/00000000000000000200."
                try $0.write($0.content(name + kind), to: "g-none-0/00000000000000000210." + kind)
                try $0.remove(name + kind)
            }
        },
    ]

    private static let indexes = [
        Damage("a position in the index", in: segment + ".index", at: 8) {
            try $0.flip(segment + ".index", at: 15)
        },
        Damage("an offset in the index", in: segment + ".index", at: 0) {
            try $0.flip(segment + ".index", at: 3)
        },
        Damage("an index of another segment", in: segment + ".index", at: 0) {
            try $0.write(
                $0.content("g-none-0/00000000000000000200.index"), to: segment + ".index")
        },
        Damage("a timestamp in the time index", in: segment + ".timeindex", at: 12) {
            try $0.flip(segment + ".timeindex", at: 19)
        },
        Damage("an offset in the time index", in: segment + ".timeindex", at: 0) {
            try $0.flip(segment + ".timeindex", at: 11, bit: 0x80)
        },
        Damage("the time index's last entry gone", in: segment + ".timeindex", at: 24) {
            try $0.cut(segment + ".timeindex", to: 24)
        },
        Damage("no index", in: segment + ".index", at: nil) { try $0.remove(segment + ".index") },
        Damage("zeros behind the index", in: segment + ".index", at: 24) {
            try $0.extend(segment + ".index", withZerosTo: 80)
        },
    ]

    private static let transactional = [
        Damage("an aborted producer", in: transactions, at: 34) {
            try $0.flip(transactions, at: 34 + 9)
        },
        Damage("an aborted transaction's start", in: transactions, at: 34) {
            try $0.flip(transactions, at: 34 + 17)
        },
        Damage("an aborted transaction's end", in: transactions, at: 34) {
            try $0.flip(transactions, at: 34 + 25)
        },
        Damage("a last stable offset", in: transactions, at: 34) {
            try $0.flip(transactions, at: 34 + 33)
        },
        Damage("an aborted transaction forgotten", in: transactions, at: nil) {
            try $0.cut(transactions, to: 34)
        },
        Damage("no transaction index", in: transactions, at: nil) { try $0.remove(transactions) },
        Damage("a producer", in: "g-txn-0/00000000000000000049.snapshot", at: 2) {
            try $0.flip("g-txn-0/00000000000000000049.snapshot", at: 20)
        },
    ]

    private static let beside = [
        Damage("another epoch", in: "g-gzip-0/leader-epoch-checkpoint", at: 3) {
            try $0.write(Bytes("0\n1\n5 0\n"), to: "g-gzip-0/leader-epoch-checkpoint")
        },
        Damage("a later epoch", in: "g-gzip-0/leader-epoch-checkpoint", at: 4) {
            try $0.write(Bytes("0\n2\n0 0\n1 100\n"), to: "g-gzip-0/leader-epoch-checkpoint")
        },
        Damage("epochs out of order", in: "g-gzip-0/leader-epoch-checkpoint", at: 4) {
            try $0.write(Bytes("0\n2\n1 10\n0 0\n"), to: "g-gzip-0/leader-epoch-checkpoint")
        },
        Damage("epochs that are no text", in: "g-gzip-0/leader-epoch-checkpoint", at: 3) {
            try $0.write(Bytes("0\n1\nx y\n"), to: "g-gzip-0/leader-epoch-checkpoint")
        },
        Damage("a checkpoint line too many", in: "log-start-offset-checkpoint", at: 2) {
            try $0.write(Bytes("0\n0\ng-gzip 0 5\n"), to: "log-start-offset-checkpoint")
        },
        Damage("a recovery point beyond", in: "recovery-point-offset-checkpoint", at: nil) {
            try $0.write(Bytes("0\n1\ng-gzip 0 301\n"), to: "recovery-point-offset-checkpoint")
        },
        Damage("a topic without an id", in: "g-gzip-0/partition.metadata", at: 1) {
            try $0.write(Bytes("version: 0\n"), to: "g-gzip-0/partition.metadata")
        },
        Damage("a metadata snapshot", in: "bootstrap.checkpoint", at: 0) {
            try $0.flip("bootstrap.checkpoint", at: 66)
        },
        Damage("a metadata snapshot without its end", in: "bootstrap.checkpoint", at: 174) {
            try $0.cut("bootstrap.checkpoint", to: 174)
        },
        Damage("a partition gone", in: "g-gzip-0", at: nil) {
            for name in try $0.names(in: "g-gzip-0") { try $0.remove("g-gzip-0/" + name) }
            try PosixFileSystem().removeDirectory($0.path + "/g-gzip-0")
        },
    ]
}

/// Kafka's own directory; skipped where it is not beside the repository.
@Suite(.enabled(if: Golden.directory != nil))
struct GoldenVerifyTests {
    @Test("Kafka's directory is sound, as a whole and in its parts")
    func sound() throws {
        let whole = apus("log", "verify", Golden.kafka)
        #expect(whole.code == .success && whole.errors.isEmpty)
        #expect(whole.lines.count == 1, "\(whole.output)")
        for partition in ["g-none-0", "g-txn-0", "g-compact-0", "__cluster_metadata-0"] {
            let path = "\(Golden.kafka)/\(partition)"
            #expect(apus("log", "verify", path).code == .success)
            for name in try PosixFileSystem().list(path) {
                let outcome = apus("log", "verify", path + "/" + name)
                #expect(outcome.code == .success, "\(name): \(outcome.output)")
            }
        }
        for name in try PosixFileSystem().list(Golden.kafka) where !name.contains("-0") {
            if name.hasSuffix("-1") { continue }
            #expect(apus("log", "verify", Golden.kafka + "/" + name).code == .success)
        }
    }

    @Test("damage is found where it is", arguments: Damage.all)
    func damaged(damage: Damage) throws {
        let copy = try Place(copying: Golden.kafka)
        try damage.inflict(copy)
        let outcome = apus("log", "verify", "--json", copy.path)
        #expect(outcome.code == .damaged)
        let first = try #require(outcome.objects().first { $0["severity"] as? String == "damaged" })
        #expect(first["file"] as? String == copy.path + "/" + damage.file, "\(outcome.output)")
        if let position = damage.position {
            #expect(first["position"] as? Int == position, "\(outcome.output)")
        }
    }

    @Test(
        "without the marker what lies above the recovery point is unclean, what lies below damaged")
    func recoveryPoint() throws {
        let log = "g-none-0/00000000000000000200.log"
        for (point, code) in [(250, ExitCode.unclean), (251, .damaged)] {
            let copy = try Place(copying: Golden.kafka)
            try copy.remove(".kafka_cleanshutdown")
            try copy.write(
                Bytes("0\n1\ng-none 0 \(point)\n"), to: "recovery-point-offset-checkpoint")
            try copy.cut(log, to: 9000)
            let outcome = apus("log", "verify", copy.path)
            #expect(outcome.code == code, "\(outcome.output)")
            #expect(outcome.output.contains("\(log) at position 5322, offset 250: "))
            #expect(apus("log", "verify", copy.path + "/g-none-0").code == code)
            #expect(apus("log", "verify", "\(copy.path)/\(log)").code == code)
        }
    }

    @Test("a partition away from its directory is judged by itself: only a torn end is unclean")
    func alone() throws {
        let copy = try Place(copying: Golden.kafka + "/g-none-0")
        #expect(apus("log", "verify", copy.path).code == .success)
        let last = "00000000000000000200.log"
        try copy.cut(last, to: 9000)
        #expect(apus("log", "verify", copy.path).code == .unclean)
        try copy.flip("00000000000000000000.log", at: 100)
        #expect(apus("log", "verify", copy.path).code == .damaged)
    }

    @Test("messages from before Kafka 0.11 are named")
    func oldFormat() throws {
        let copy = try Place(copying: Golden.kafka + "/g-none-0")
        let last = "00000000000000000200.log"
        try copy.write(Bytes(copy.content(last).array + OldMessages.one), to: last)
        let outcome = apus("log", "verify", copy.path)
        #expect(outcome.code == .damaged)
        #expect(outcome.output.contains("a message of format 1"))
    }
}

enum OldMessages {
    /// A message of format 1: offset 300, no key, value "old".
    static let one: [UInt8] = {
        var body: [UInt8] = [1, 0] + [UInt8](repeating: 0, count: 8)
        body += [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 3] + Array("old".utf8)
        let sum = Bytes(body).crc32
        var message: [UInt8] = [0, 0, 0, 0, 0, 0, 1, 44, 0, 0, 0, UInt8(body.count + 4)]
        message += (0..<4).map { UInt8(truncatingIfNeeded: sum >> (24 - 8 * UInt32($0))) }
        return message + body
    }()
}

@Suite struct OwnVerifyTests {
    @Test("what our log leaves is sound after a clean stop, and unclean while it is open")
    func own() throws {
        let logs = try OwnLogs()
        let (directory, log) = try logs.open()
        try logs.fill(log)
        #expect(apus("log", "verify", logs.path).code == .unclean)
        try directory.close()
        let outcome = apus("log", "verify", logs.path)
        #expect(outcome.code == .success, "\(outcome.output)")
        let (again, same) = try logs.open()
        try logs.fill(same)
        try again.writeCheckpoints()
        #expect(apus("log", "verify", logs.path).code == .unclean)
        #expect(apus("log", "verify", logs.path + "/t-0").code == .unclean)
    }

    @Test("a missing segment is damage, unless the log is compacted")
    func missingSegment() throws {
        let logs = try OwnLogs()
        let segments = try logs.filled()
        #expect(segments.count > 2)
        for kind in ["log", "index", "timeindex"] {
            try logs.place.remove("t-0/\(segments[1].dropLast(4)).\(kind)")
        }
        let outcome = apus("log", "verify", logs.path)
        #expect(outcome.code == .damaged)
        #expect(outcome.output.contains("t-0/\(segments[2]) at position 0, offset "))
        #expect(apus("log", "verify", "--compacted", logs.path).code == .success)
    }

    @Test("what a crash leaves of a cleaning is unclean", arguments: ["cleaned", "swap"])
    func leftovers(suffix: String) throws {
        let logs = try OwnLogs()
        let segments = try logs.filled()
        for kind in ["log", "index", "timeindex"] {
            let name = "t-0/\(segments[0].dropLast(4)).\(kind)"
            try logs.place.write(logs.place.content(name), to: "\(name).\(suffix)")
            if suffix == "swap" { try logs.place.remove(name) }
        }
        let outcome = apus("log", "verify", logs.path)
        #expect(outcome.code == .unclean, "\(outcome.output)")
        #expect(try apus("log", "dump", "--json", logs.path + "/t-0").objects().count == 20)
    }

    @Test("stat counts what is there")
    func statistics() throws {
        let logs = try OwnLogs()
        let segments = try logs.filled()
        let objects = try apus("log", "stat", "--json", logs.path).objects()
        #expect(objects.count == 2)
        #expect(objects[0]["topic"] as? String == "t")
        #expect(objects[0]["segments"] as? Int == segments.count)
        #expect(objects[0]["records"] as? Int == 20 && objects[0]["batches"] as? Int == 20)
        #expect(objects[0]["firstOffset"] as? Int == 0 && objects[0]["endOffset"] as? Int == 20)
        #expect(objects[0]["firstTimestamp"] as? Int == 1000)
        #expect(objects[0]["lastTimestamp"] as? Int == 1019)
        #expect(objects[0]["unflushedBytes"] as? Int == 0)
        #expect(objects[1]["partitions"] as? Int == 1 && objects[1]["records"] as? Int == 20)
        let table = apus("log", "stat", logs.path).lines
        #expect(table.count == 3 && table[1].hasPrefix("t-0 ") && table[1].contains(" 0..<20 "))
    }
}
