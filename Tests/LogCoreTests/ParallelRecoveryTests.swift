import LogCore
import Primitives
import Synchronization
import Testing

@Suite struct ParallelRecoveryTests {
    /// Progress as it was told.
    private final class Heard: Sendable {
        private let steps = Mutex<[RecoveryReport.Progress]>([])
        var all: [RecoveryReport.Progress] { steps.withLock { $0 } }
        var note: @Sendable (RecoveryReport.Progress) -> Void {
            { step in self.steps.withLock { $0.append(step) } }
        }
    }

    private static func partition(_ number: Int) -> TopicPartition {
        TopicPartition(topic: "t", partition: PartitionIndex(Int32(number)))
    }

    /// Logs with two records each, whose owner then dies.
    private func crash(_ scene: Scene, logs: Int) throws {
        let directory = try scene.open()
        for number in 0..<logs {
            let log = try directory.createLog(
                Self.partition(number), topicID: TopicID(high: 1, low: 2),
                configuration: scene.configuration)
            try log.append("a \(number)")
            try log.append("b \(number)")
        }
    }

    private func logPath(_ scene: Scene, _ number: Int) -> String {
        "\(scene.path)/t-\(number)/00000000000000000000.log"
    }

    @Test("every log is recovered, and what was cut is told in the order of the partitions")
    func order() throws {
        let scene = try Scene()
        try crash(scene, logs: 40)
        let torn = [3, 11, 27, 38]
        for number in torn {
            let file = try PosixFileSystem().open(logPath(scene, number), .readWrite)
            try file.truncate(to: try file.size() - 1)
        }
        let directory = try scene.open()
        #expect(directory.report.logCount == 40)
        #expect(directory.report.findings.map(\.partition) == torn.map(Self.partition))
        for number in 0..<40 {
            let log = try #require(directory.log(Self.partition(number)))
            let expected = ["a \(number)", "b \(number)"].prefix(torn.contains(number) ? 1 : 2)
            #expect(try log.values() == Array(expected))
            #expect(try log.recoveryPoint == log.logEndOffset)
        }
    }

    @Test("progress grows to all logs and all bytes")
    func progress() throws {
        let scene = try Scene()
        try crash(scene, logs: 20)
        let heard = Heard()
        _ = try LogDirectory.open(
            scene.path, world: scene.world, defaults: scene.configuration, progress: heard.note)
        let steps = heard.all
        let last = try #require(steps.last)
        #expect(last.logsDone == 20 && last.logCount == 20)
        #expect(last.bytesDone == last.byteCount && last.byteCount > 0)
        #expect(zip(steps, steps.dropFirst()).allSatisfy { $0.bytesDone <= $1.bytesDone })
        #expect(steps.allSatisfy { $0.partition != nil })
    }

    @Test("a log that cannot be read now does not stop the others, and is not called clean")
    func unreadable() throws {
        let scene = try Scene()
        try crash(scene, logs: 3)
        let files = PosixFileSystem()
        // A directory in the file's place: it can be listed and not be read.
        let hidden = scene.path + "/hidden"
        try files.rename(logPath(scene, 1), to: hidden)
        try files.createDirectory(logPath(scene, 1))
        var directory = try scene.open()
        let finding = try #require(directory.report.findings.first)
        #expect(directory.report.findings.count == 1 && finding.partition == Self.partition(1))
        guard case .unchecked = finding.kind else {
            Issue.record("\(finding)")
            return
        }
        #expect(try directory.log(Self.partition(2))?.values() == ["a 2", "b 2"])
        try files.removeDirectory(logPath(scene, 1))
        try files.rename(hidden, to: logPath(scene, 1))
        try directory.close()
        directory = try scene.open()
        #expect(!directory.report.wasCleanStop)
        #expect(try directory.log(Self.partition(1))?.values() == ["a 1", "b 1"])
    }
}
