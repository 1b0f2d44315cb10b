import LogCore
import Primitives
import Synchronization
import Testing

@Suite("Closing a directory")
struct ClosingTests {
    private static func partition(_ number: Int32) -> TopicPartition {
        TopicPartition(topic: "gone", partition: PartitionIndex(number))
    }

    @Test("logs that are deleted while their directory closes do not make it unclean")
    func deletionMeanwhile() throws {
        let scene = try Scene()
        let count: Int32 = 60
        let directory = try scene.open()
        for number in 0..<count {
            let log = try directory.createLog(
                Self.partition(number), topicID: TopicID(high: 1, low: 2),
                configuration: scene.configuration)
            try log.append("a")
        }
        try close(directory, whileDeleting: count)
        #expect(try scene.open().report.wasCleanStop)
    }

    /// Closes the directory once another thread is in the middle of deleting its logs.
    private func close(_ directory: LogDirectory, whileDeleting count: Int32) throws {
        let shared = Deletion()
        let background = DispatchBackgroundWork(label: "deletion", limit: 1)
        let accepted = background.submit {
            for number in 0..<count {
                try? directory.deleteLog(Self.partition(number))
                shared.deleted.add(1, ordering: .relaxed)
            }
        }
        #expect(accepted)
        while shared.deleted.load(ordering: .relaxed) < 5 {}
        try directory.close()
        while shared.deleted.load(ordering: .relaxed) < count {}
    }

    private final class Deletion: Sendable {
        let deleted = Atomic<Int32>(0)
    }

    @Test("checkpoints that come too late leave those of the close alone")
    func lateCheckpoints() throws {
        let scene = try Scene()
        let (directory, log) = try scene.create()
        for value in ["a", "b", "c"] { try log.append(value) }
        try log.advanceLogStart(to: Offset(2))
        try directory.close()
        try directory.writeCheckpoints()
        let reopened = try #require(try scene.open().log(scene.partition))
        #expect(try reopened.logStartOffset == Offset(2))
        #expect(reopened.restoredHighWatermark == Offset(3))
    }

    @Test("what is appended behind the last flush is refused, not left behind the marker")
    func lateAppend() throws {
        let scene = try Scene()
        let (directory, log) = try scene.create()
        try log.append("in time")
        let gate = SyncGate()
        scene.faults.plan.withLock { $0.gate = gate }
        let closed = Deletion()
        let background = DispatchBackgroundWork(label: "closing", limit: 1)
        let accepted = background.submit {
            try? directory.close()
            closed.deleted.add(1, ordering: .releasing)
        }
        #expect(accepted)
        gate.waitUntilReached()
        #expect(throws: LogError.self) { try log.append("late") }
        gate.open()
        while closed.deleted.load(ordering: .acquiring) == 0 {}
        let again = try scene.open()
        #expect(again.report.wasCleanStop)
        #expect(try again.log(scene.partition)?.logEndOffset == Offset(1))
    }

    @Test("no log is made in a directory that is closed")
    func creationAfterwards() throws {
        let scene = try Scene()
        let directory = try scene.open()
        try directory.close()
        #expect(throws: LogError.self) {
            try directory.createLog(
                scene.partition, topicID: TopicID(high: 1, low: 2),
                configuration: scene.configuration)
        }
        #expect(try scene.open().logs.isEmpty)
    }
}
