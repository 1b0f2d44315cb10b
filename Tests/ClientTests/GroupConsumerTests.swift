import BrokerHarness
import Primitives
import RecordFormat
import Testing
import WireProtocol

@testable import Client

@Suite("Members of a group share what there is to read")
struct GroupConsumerTests {
    private func broker(port: UInt16 = 0) throws -> TestBroker {
        try TestBroker(["num.partitions=4", "group.min.session.timeout.ms=1"], port: port)
    }

    /// A member that notices at once what happens to its group, and neither is thrown out nor leaves
    /// unheard because the machine is busy.
    private func member(
        _ cluster: Cluster, _ change: (inout GroupConsumerConfiguration) -> Void = { _ in }
    ) -> GroupConsumer {
        var configuration = GroupConsumerConfiguration()
        configuration.sessionMilliseconds = 600_000
        configuration.rebalanceMilliseconds = 600_000
        configuration.leaveMilliseconds = 600_000
        configuration.heartbeatMilliseconds = 20
        configuration.consumer.maxWaitMilliseconds = 20
        change(&configuration)
        return GroupConsumer(cluster, group: "g", topics: ["t"], configuration)
    }

    private func partition(_ index: Int32) -> TopicPartition {
        TopicPartition(topic: "t", partition: PartitionIndex(index))
    }

    /// The broker makes the topic when the first record comes.
    private func produce(_ values: Range<Int>, _ cluster: Cluster) async throws {
        let producer = Producer(cluster, ProducerConfiguration())
        try await producer.send(
            values.map { ProducerRecord(value: Bytes("\($0)")) }, to: "t")
        #expect(await producer.flush().failed == 0)
    }

    /// Two members that have shared out the partitions.
    private func pair(_ cluster: Cluster) async throws -> (GroupConsumer, GroupConsumer) {
        let (one, two) = (member(cluster), member(cluster))
        #expect(try await one.assignment().positions.count == 4)
        async let first = one.assignment()
        let second = try await two.assignment()
        let all = try await Array(first.positions.keys) + Array(second.positions.keys)
        #expect(all.sorted() == (0..<4).map(partition))
        #expect(second.positions.count == 2)
        return (one, two)
    }

    @Test("two members share the partitions; when one leaves the other has all of them")
    func sharing() async throws {
        let broker = try broker()
        try await withCluster(broker.endpoint) { cluster in
            try await produce(0..<1, cluster)
            let (one, two) = try await pair(cluster)
            await one.leave()
            #expect(try await two.assignment().positions.count == 4)
            await two.leave()
            #expect(
                try await Admin(cluster).describe(groups: ["g"])["g"]?.get().members.isEmpty == true
            )
        }
    }

    @Test("the partitions of a member that is not heard of any more are taken over")
    func death() async throws {
        let broker = try broker()
        try await withCluster(broker.endpoint) { cluster in
            try await produce(0..<1, cluster)
            let survivor = member(cluster)
            let living = Reader(survivor)
            let dying = Reader(member(cluster) { $0.sessionMilliseconds = 3_000 })
            try await until { living.count.now == 2 && dying.count.now == 2 }
            // Nobody refers to it from here on.
            await dying.end()
            try await until { living.count.now == 4 }
            await living.end()
            await survivor.leave()
        }
    }

    @Test("what is committed outlives the members and the broker; what is not comes again")
    func commits() async throws {
        let broker = try broker(port: LoopbackPort.free())
        try await withCluster(broker.endpoint) { cluster in
            try await TestRecords.append(
                10, to: partition(0), from: Timestamp(1000), try await made(cluster))
            let one = member(cluster)
            let begun = try await one.assignment()
            #expect(begun.positions.values.allSatisfy { $0 == .zero } && begun.lost.isEmpty)
            #expect(try await one.values(10).count == 10)
            #expect(try await one.commit([partition(0): Offset(7)]))
            await one.leave()

            broker.stop()
            try broker.restart()
            let two = member(cluster)
            #expect(try await two.assignment().positions[partition(0)] == Offset(7))
            #expect(try await two.values(3) == ["7", "8", "9"])
            await two.leave()
        }
    }

    private func made(_ cluster: Cluster) async throws -> Cluster {
        _ = try await cluster.topic("t", creating: true)
        return cluster
    }

    @Test("an offset that is not there any more is told, and reading begins where it was to")
    func lostOffsets() async throws {
        let broker = try broker()
        try await withCluster(broker.endpoint) { cluster in
            let cluster = try await made(cluster)
            try await TestRecords.append(3, to: partition(1), from: Timestamp(1000), cluster)
            _ = try await Admin(cluster).setOffsets(
                of: "g", to: [partition(1): Offset(9), partition(2): .zero])
            let member = member(cluster) { $0.start = .latest }
            let assignment = try await member.assignment()
            #expect(assignment.lost == [partition(1): Offset(9)])
            #expect(assignment.positions[partition(1)] == Offset(3))
            #expect(assignment.positions[partition(2)] == .zero)
            await member.leave()
        }
    }

    @Test("a member that was thrown out cannot commit, and joins again with its next poll")
    func thrownOut() async throws {
        let broker = try broker()
        try await withCluster(broker.endpoint) { cluster in
            try await produce(0..<1, cluster)
            let member = member(cluster)
            let first = try await member.assignment()
            let left = try await cluster.callCoordinator(
                of: "g", LeaveGroupRequest("g", member: first.memberID))
            #expect(left.errorCode == 0)
            #expect(try await !member.commit([partition(0): Offset(1)]))
            let second = try await member.assignment()
            #expect(second.memberID != first.memberID && second.positions.count == 4)
            await member.leave()
        }
    }

    @Test("a member that does not poll for too long makes room for others, and may come back")
    func stuck() async throws {
        let broker = try broker()
        try await withCluster(broker.endpoint) { cluster in
            try await produce(0..<1, cluster)
            let slow = member(cluster) { $0.rebalanceMilliseconds = 200 }
            #expect(try await slow.assignment().positions.count == 4)
            let other = member(cluster)
            try await until { (try? await other.assignment().positions.count) == 4 }
            async let back = slow.assignment()
            _ = try await other.assignment()
            #expect(try await back.positions.count == 2)
            await slow.leave()
            await other.leave()
        }
    }

    @Test("partitions that a topic gets are read, too")
    func morePartitions() async throws {
        let broker = try broker()
        try await withCluster(broker.endpoint) { cluster in
            try await produce(0..<1, cluster)
            let member = member(cluster) { $0.metadataMilliseconds = 1 }
            #expect(try await member.assignment().positions.count == 4)
            try await Admin(cluster).setPartitions(of: "t", to: 6)
            #expect(try await member.assignment().positions.count == 6)
            await member.leave()
        }
    }

    @Test("a member that waits for others can be interrupted, and leaves at once")
    func interruption() async throws {
        let broker = try broker()
        try await withCluster(broker.endpoint) { cluster in
            try await produce(0..<1, cluster)
            // It will not join again, and has ten minutes to.
            let silent = try await TestMember.joinClassic(
                "g", topic: "t", partitions: [0], cluster)
            let member = member(cluster)
            async let polled = member.poll()
            let admin = Admin(cluster)
            try await until {
                let group = try? await admin.describe(groups: ["g"])["g"]?.get()
                return group?.state == "PreparingRebalance"
            }
            await member.interrupt()
            guard case .interrupted = try await polled else {
                Issue.record("the poll brought something")
                return
            }
            await member.leave()
            let left = try await admin.describe(groups: ["g"])["g"]?.get().members.map(\.id)
            #expect(left == [silent])
        }
    }
}

/// Polls a member all the time, as programs do, so that it takes part in whatever happens to its
/// group.
private final class Reader: Sendable {
    /// How many partitions the member reads.
    let count = Shared(0)
    private let isOver: Shared<Bool>
    private let task: Task<Void, any Error>

    init(_ member: GroupConsumer) {
        let isOver = Shared(false)
        self.isOver = isOver
        task = Task { [count] in
            while !isOver.now {
                guard case .assigned(let assignment) = try await member.poll() else { continue }
                count.change { $0 = assignment.positions.count }
            }
        }
    }

    func end() async {
        isOver.change { $0 = true }
        _ = await task.result
    }
}

extension GroupConsumer {
    /// What it reads in its next generation.
    func assignment() async throws -> GroupAssignment {
        while true {
            switch try await poll() {
            case .assigned(let assignment): return assignment
            case .records: break
            case .interrupted: throw NeverHappened()
            }
        }
    }

    /// The values of so many records.
    func values(_ count: Int) async throws -> [String?] {
        var values: [String?] = []
        while values.count < count {
            guard case .records(let all) = try await poll() else { continue }
            for var records in all {
                while let record = try records.next() { values.append(record.value?.text) }
            }
        }
        return values
    }
}
