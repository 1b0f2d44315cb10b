internal import Foundation
internal import LogCore
internal import Primitives
internal import RecordFormat
internal import Testing

@testable internal import apus

/// What Kafka leaves when it dies: indexes of the newest segments at their full size, a torn or
/// zeroed end, checkpoints from before, cleanings half done, files it made and never filled.
/// Skipped where Kafka's directory is not beside the repository.
@Suite(.enabled(if: Golden.directory != nil))
struct KafkaCrashTests {
    private static let indexSize = 10_485_760

    /// A copy of Kafka's directory as a crash would have left it.
    private func crashed(_ change: (Place) throws -> Void = { _ in }) throws -> Place {
        let copy = try Place(copying: Golden.kafka)
        try copy.remove(".kafka_cleanshutdown")
        try copy.write(Bytes(""), to: ".lock")
        for directory in try copy.names() where directory.last?.isNumber == true {
            let newest = try copy.names(in: directory).last { $0.hasSuffix(".log") }
            for kind in ["index", "timeindex"] {
                let name = "\(directory)/\((newest ?? "").dropLast(3))\(kind)"
                try copy.extend(name, withZerosTo: Self.indexSize / 12 * 12)
            }
        }
        try change(copy)
        return copy
    }

    /// Opens the copy as LogCore, with settings that know nothing of the topics, and stops it.
    private func recover(_ copy: Place) throws {
        let directory = try LogDirectory.open(
            copy.path, world: .posix(log: Silence()), defaults: LogConfiguration())
        for log in directory.logs { _ = try log.logEndOffset }
        try directory.close()
    }

    private func expectWhole(_ copy: Place, _ topics: [String] = Golden.topics) throws {
        for topic in topics {
            let objects = try apus("log", "dump", "--json", "\(copy.path)/\(topic)-0").objects()
            #expect(try Golden.records(objects) == Golden.records(topic), "\(topic)")
        }
    }

    @Test("a directory with preallocated indexes is unclean, opens whole, and is sound afterwards")
    func preallocated() throws {
        let copy = try crashed()
        let before = apus("log", "verify", copy.path)
        #expect(before.code == .unclean, "\(before.output)")
        try expectWhole(copy)
        try recover(copy)
        try expectWhole(copy)
        let after = apus("log", "verify", copy.path)
        #expect(after.code == .success, "\(after.output)")
        #expect(try copy.content("g-none-0/00000000000000000200.index").count == 8)
    }

    @Test("with checkpoints that were never written everything is checked, and nothing is lost")
    func noCheckpoints() throws {
        let copy = try crashed { copy in
            for name in try copy.names() where name.hasSuffix("-offset-checkpoint") {
                // Kafka makes these files empty. The cleaner's it writes after each cleaning.
                if !name.hasPrefix("cleaner") { try copy.write(Bytes(""), to: name) }
            }
            try copy.write(Bytes(""), to: "g-gzip-0/leader-epoch-checkpoint")
        }
        #expect(apus("log", "verify", copy.path).code == .unclean)
        let compacted = apus("log", "dump", "--json", copy.path + "/g-compact-0").output
        try recover(copy)
        try expectWhole(copy)
        #expect(apus("log", "dump", "--json", copy.path + "/g-compact-0").output == compacted)
        #expect(apus("log", "verify", copy.path).code == .success)
        #expect(try copy.content("g-gzip-0/leader-epoch-checkpoint").text == "0\n1\n0 0\n")
    }

    @Test("a torn end is cut, and so are zeros behind the last batch")
    func ends() throws {
        let log = "g-none-0/00000000000000000200.log"
        let copy = try crashed { copy in
            try copy.write(Bytes("0\n1\ng-none 0 250\n"), to: "recovery-point-offset-checkpoint")
            try copy.write(Bytes(""), to: "replication-offset-checkpoint")
            try copy.cut(log, to: 9000)
            try copy.extend("g-zstd-0/00000000000000000000.log", withZerosTo: 1 << 20)
        }
        let before = apus("log", "verify", copy.path)
        #expect(before.code == .unclean, "\(before.output)")
        try recover(copy)
        #expect(try copy.content(log).count == 5322)
        try expectWhole(copy, ["g-gzip", "g-snappy", "g-lz4", "g-zstd"])
        let after = apus("log", "verify", copy.path)
        #expect(after.code == .success, "\(after.output)")
    }

    @Test("a cleaning that Kafka had finished, or not, ends with the same records")
    func cleaning() throws {
        for suffix in ["cleaned", "swap"] {
            let copy = try crashed { copy in
                for kind in ["log", "index", "timeindex"] {
                    let name = "g-compact-0/00000000000000000390.\(kind)"
                    try copy.write(copy.content(name), to: "\(name).\(suffix)")
                    if suffix == "swap" { try copy.remove(name) }
                }
            }
            let before = apus("log", "dump", "--json", copy.path + "/g-compact-0").output
            #expect(apus("log", "verify", copy.path).code == .unclean)
            try recover(copy)
            #expect(apus("log", "dump", "--json", copy.path + "/g-compact-0").output == before)
            #expect(apus("log", "verify", copy.path).code == .success)
        }
    }

    @Test("directories of deleted, moved and stray logs are left to their owners")
    func otherDirectories() throws {
        let id = "0123456789abcdef0123456789abcdef"
        let copy = try crashed { copy in
            for suffix in ["future", "stray"] {
                let name = "g-gzip-0.\(id)-\(suffix)"
                try PosixFileSystem().createDirectory("\(copy.path)/\(name)")
                try copy.write(Bytes("x"), to: "\(name)/00000000000000000000.log")
            }
        }
        #expect(apus("log", "verify", copy.path).code == .unclean)
        let properties = try copy.content("meta.properties")
        try recover(copy)
        for suffix in ["future", "stray"] {
            let name = "g-gzip-0.\(id)-\(suffix)/00000000000000000000.log"
            #expect(try copy.content(name).text == "x")
        }
        #expect(try copy.content("meta.properties") == properties)
        #expect(apus("log", "verify", copy.path).code == .success)
    }

    @Test("messages of an old format are refused, not cut off")
    func oldFormat() throws {
        let name = "g-none-0/00000000000000000200.log"
        let copy = try crashed { copy in
            try copy.write(Bytes(copy.content(name).array + OldMessages.one), to: name)
        }
        let before = try copy.content(name)
        let directory = try LogDirectory.open(
            copy.path, world: .posix(log: Silence()), defaults: LogConfiguration())
        #expect(directory.report.findings.count == 1)
        #expect(directory.report.findings[0].description.contains("a message of format 1"))
        #expect(try copy.content(name) == before)
        try directory.close()
    }

    @Test("zeros behind an index are not believed after a clean stop either")
    func markerWithZeros() throws {
        let copy = try crashed()
        try copy.write(Bytes("{\"version\":0,\"brokerEpoch\":-1}"), to: ".kafka_cleanshutdown")
        let directory = try LogDirectory.open(
            copy.path, world: .posix(log: Silence()), defaults: LogConfiguration())
        let log = try #require(
            directory.log(TopicPartition(topic: "g-none", partition: PartitionIndex(0))))
        #expect(try log.logEndOffset == Offset(300))
        let found = try log.offset(forTimestamp: Timestamp(1_700_000_299_000))
        #expect(found?.offset == Offset(299))
        try directory.close()
        #expect(apus("log", "verify", copy.path + "/g-none-0").code == .success)
    }
}
