import Primitives
import Testing
import WireProtocol

@testable import Coordination

@Suite("Groups that move between the protocols")
struct ConsumerMigrationTests {
    /// A stable classic group, in which each member has a run of the six partitions.
    private func classicGroup(
        _ count: Int, in world: ConsumerScenario, instances: [String?] = []
    ) throws -> (members: [String], generation: Int32) {
        let tickets = (0..<count).map { index in
            world.groups.join { if index < instances.count { $0.instance = instances[index] } }
        }
        world.pass(milliseconds: 0)
        let answers = try tickets.map { try #require(world.groups.joined($0)) }
        let share = 6 / Int32(count)
        var assignments: [String: [UInt8]] = [:]
        for (index, answer) in answers.enumerated() {
            let start = Int32(index) * share
            assignments[answer.memberId] = assignment(Array(start..<(start + share)))
        }
        for answer in answers {
            let ticket = world.groups.sync(
                answer.memberId, generation: answer.generationId, assigning: assignments)
            #expect(world.groups.synced(ticket)?.errorCode == 0)
        }
        return (answers.map(\.memberId), answers[0].generationId)
    }

    private func assignment(_ partitions: [Int32]) -> [UInt8] {
        var value = ConsumerProtocolAssignment()
        var topic = ConsumerProtocolAssignment.TopicPartition()
        topic.topic = "t"
        topic.partitions = partitions
        value.assignedPartitions = [topic]
        return value.versionPrefixed(1).array
    }

    private func partitions(in bytes: Bytes) throws -> [Int32] {
        try ConsumerProtocolAssignment(versionPrefixed: bytes).assignedPartitions
            .flatMap(\.partitions)
    }

    /// A classic member joins again and asks for its part, as it does when it is told to.
    private func rejoin(
        _ member: String, _ world: ConsumerScenario, owning owned: [Int32] = []
    ) throws -> (generation: Int32, partitions: [Int32]) {
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = ["t"]
        var topic = ConsumerProtocolSubscription.TopicPartition()
        topic.topic = "t"
        topic.partitions = owned
        subscription.ownedPartitions = [topic]
        var request = JoinGroupRequest()
        request.groupId = "g"
        request.memberId = member
        request.sessionTimeoutMs = 10_000
        request.rebalanceTimeoutMs = 60_000
        request.protocolType = "consumer"
        var entry = JoinGroupRequest.JoinGroupRequestProtocol()
        entry.name = "range"
        entry.metadata = subscription.versionPrefixed(1)
        request.protocols = [entry]
        let asked = request
        let ticket = world.groups.submit(version: 5) { $0.joinGroup(asked, $1) }
        let joined = try #require(world.groups.joined(ticket))
        #expect(joined.errorCode == 0)
        #expect(joined.leader != member)
        let synced = try #require(
            world.groups.synced(
                world.groups.sync(member, generation: joined.generationId)))
        #expect(synced.errorCode == 0)
        return (joined.generationId, try partitions(in: synced.assignment))
    }

    private func heartbeat(
        _ member: String, _ generation: Int32, _ world: ConsumerScenario
    ) throws -> ErrorCode {
        let code = try world.groups.heartbeat(member, generation: generation)
        return ErrorCode(rawValue: code) ?? .unknownServerError
    }

    @Test("a consumer that joins a classic group makes it a consumer group, and nobody leaves")
    func upgrade() throws {
        let world = try ConsumerScenario()
        let (members, generation) = try classicGroup(2, in: world)
        var c = world.consumer("c")
        try c.heartbeat(world)
        #expect(c.epoch == generation + 1)
        #expect(c.count == 0)
        let group = try world.describe()
        #expect(group.members.count == 3)
        #expect(group.members.filter { $0.memberType == 0 }.count == 2)
        #expect(group.groupState == "Reconciling")

        // Each classic member learns by its heartbeat that there is something to do.
        for member in members {
            #expect(try heartbeat(member, generation, world) == .rebalanceInProgress)
            let (next, owned) = try rejoin(member, world)
            #expect(next == generation + 1)
            #expect(owned.count == 2)
            #expect(try heartbeat(member, next, world) == .noError)
        }
        try c.heartbeat(world)
        #expect(c.count == 2)
        #expect(try world.state == "Stable")
        #expect(bytes(of: try world.groups.reader()) == bytes(of: world.groups.shard))
    }

    @Test("a cooperative classic member keeps what it may, and gives up the rest in a second join")
    func cooperativeMember() throws {
        let world = try ConsumerScenario()
        let (members, generation) = try classicGroup(1, in: world)
        var c = world.consumer("c")
        try c.heartbeat(world)
        let all: [Int32] = [0, 1, 2, 3, 4, 5]
        let (first, kept) = try rejoin(members[0], world, owning: all)
        #expect(first == generation)
        #expect(kept.count == 3)
        try c.heartbeat(world)
        #expect(c.count == 0)
        #expect(try heartbeat(members[0], first, world) == .rebalanceInProgress)
        let (second, same) = try rejoin(members[0], world, owning: kept)
        #expect(second == generation + 1)
        #expect(same == kept)
        try c.heartbeat(world)
        #expect(c.count == 3)
    }

    /// A group that has become a classic one: its members share out the partitions.
    private func shareOut(_ members: [String], _ world: ConsumerScenario) throws {
        #expect(try world.groups.state() == "PreparingRebalance")
        let tickets = members.map { member in world.groups.join(member) }
        let answers = try tickets.map { try #require(world.groups.joined($0)) }
        #expect(answers.allSatisfy { $0.errorCode == 0 })
        try world.groups.assign(answers)
        #expect(try world.groups.state() == "Stable")
        #expect(bytes(of: try world.groups.reader()) == bytes(of: world.groups.shard))
    }

    @Test("when the last consumer leaves, the classic members share out among themselves again")
    func downgrade() throws {
        let world = try ConsumerScenario()
        let (members, _) = try classicGroup(2, in: world)
        var c = world.consumer("c")
        try c.heartbeat(world)
        for member in members { _ = try rejoin(member, world) }
        _ = try c.leave(world)
        try shareOut(members, world)
        #expect(try world.error("c", epoch: 3) == .groupIdNotFound)
    }

    @Test("a downgrade gives nobody what another member may still have")
    func downgradeHandsNothingOver() throws {
        let world = try ConsumerScenario()
        let (members, _) = try classicGroup(1, in: world)
        var c = world.consumer("c")
        try c.heartbeat(world)
        let second = try #require(world.groups.joined(world.groups.join())).memberId
        // The first member has not heard of either, and has all it had.
        _ = try c.leave(world)
        #expect(try world.groups.state() == "PreparingRebalance")
        var d = world.consumer("d")
        try d.heartbeat(world)
        #expect(d.count == 0)
        #expect(try rejoin(second, world).partitions == [])
        #expect(try rejoin(members[0], world).partitions.count == 2)
        #expect(try rejoin(second, world).partitions.count == 2)
    }

    @Test("the rebalance that follows a downgrade survives a crash")
    func crashAfterDowngrade() throws {
        let world = try ConsumerScenario()
        let (members, _) = try classicGroup(2, in: world)
        var c = world.consumer("c")
        try c.heartbeat(world)
        let generation = try members.map { try rejoin($0, world).generation }[1]
        _ = try c.leave(world)
        try world.restart()
        // Those who heard nothing of it learn that what the consumer had is to be shared out.
        #expect(try heartbeat(members[1], generation, world) == .rebalanceInProgress)
        try shareOut(members, world)
    }

    @Test("a downgrade that a crash interrupts is made up for by the next coordinator")
    func downgradeAfterCrash() throws {
        let world = try ConsumerScenario()
        let (members, _) = try classicGroup(2, in: world)
        var c = world.consumer("c")
        try c.heartbeat(world)
        for member in members { _ = try rejoin(member, world) }
        // The log takes that the last consumer leaves, and not what follows from it.
        world.groups.refusal = .coordinatorNotAvailable
        world.groups.appendsBeforeRefusal = 1
        #expect(try c.leave(world).errorCode == 0)
        #expect(try world.describe().members.map(\.memberType) == [0, 0])
        world.groups.refusal = nil
        try world.restart()
        try shareOut(members, world)
    }

    @Test("nothing waits for an interval while there are classic members")
    func interval() throws {
        let world = try ConsumerScenario { $0.consumer.assignmentInterval = 1_000 }
        let (members, _) = try classicGroup(1, in: world)
        for id in ["c", "d", "e"] {
            var consumer = world.consumer(id)
            try consumer.heartbeat(world)
            let group = try world.describe()
            #expect(group.assignmentEpoch == group.groupEpoch)
        }
        let (generation, _) = try rejoin(members[0], world)
        #expect(try heartbeat(members[0], generation, world) == .noError)
    }

    @Test("a downgrade leaves classic members their generation until they have joined again")
    func downgradeKeepsGeneration() throws {
        let world = try ConsumerScenario()
        let (members, _) = try classicGroup(2, in: world)
        var c = world.consumer("c")
        try c.heartbeat(world)
        let generation = try members.map { try rejoin($0, world).generation }[1]
        _ = try c.leave(world)
        for member in members {
            #expect(try heartbeat(member, generation, world) == .rebalanceInProgress)
            let code = try world.groups.commit(
                [("t", 0, 1)], member: member, generation: generation, version: 8)
            #expect(code == [0])
        }
        let tickets = members.map { member in world.groups.join(member) }
        #expect(
            tickets.map { world.groups.joined($0)?.generationId == generation + 1 } == [true, true])
    }

    @Test("a group that moves while a classic generation has yet to sync leaves nobody without")
    func upgradeBeforeSync() throws {
        let world = try ConsumerScenario()
        let (members, _) = try classicGroup(2, in: world)
        let tickets = [world.groups.join()] + members.map { world.groups.join($0) }
        #expect(tickets.allSatisfy { world.groups.joined($0)?.errorCode == 0 })
        #expect(try world.groups.state() == "CompletingRebalance")
        var c = world.consumer("c")
        try c.heartbeat(world)
        // What the members were last assigned, and may still read.
        #expect(c.count == 0)
        #expect(try world.describe().members.filter { $0.memberType == 0 }.count == 3)
    }

    @Test(
        "a classic group stays one where the policy says so",
        arguments: [ConsumerGroupSettings.MigrationPolicy.disabled, .downgrade])
    func noUpgrade(policy: ConsumerGroupSettings.MigrationPolicy) throws {
        let world = try ConsumerScenario { $0.consumer.migration = policy }
        _ = try classicGroup(1, in: world)
        #expect(try world.consumerError("c") == .groupIdNotFound)
        #expect(try world.groups.state() == "Stable")
    }

    @Test("a consumer group of classic members stays one where the policy says so")
    func noDowngrade() throws {
        let world = try ConsumerScenario { $0.consumer.migration = .upgrade }
        _ = try classicGroup(1, in: world)
        var c = world.consumer("c")
        try c.heartbeat(world)
        _ = try c.leave(world)
        #expect(try world.describe().members.map(\.memberType) == [0])
    }

    @Test("a group whose members are no consumers does not become a consumer group")
    func otherType() throws {
        let world = try ConsumerScenario()
        let ticket = world.groups.join { $0.type = "connect" }
        world.pass(milliseconds: 0)
        #expect(world.groups.joined(ticket)?.errorCode == 0)
        #expect(try world.consumerError("c") == .groupIdNotFound)
    }

    @Test("who waits for a classic rebalance when the group moves is told to join again")
    func parkedJoin() throws {
        let world = try ConsumerScenario()
        let (members, _) = try classicGroup(2, in: world)
        let ticket = world.groups.join(members[0]) { $0.topics = ["t", "u"] }
        #expect(world.groups.joined(ticket) == nil)
        var c = world.consumer("c")
        try c.heartbeat(world)
        #expect(
            world.groups.joined(ticket)?.errorCode == ErrorCode.rebalanceInProgress.rawValue)
    }

    @Test("an empty classic group is replaced, and so is an empty consumer group")
    func emptyGroups() throws {
        let world = try ConsumerScenario()
        let (members, _) = try classicGroup(1, in: world)
        #expect(try world.groups.leave([(members[0], nil)]) == [0])
        var c = world.consumer("c")
        try c.heartbeat(world)
        #expect(c.epoch == 1)
        _ = try c.leave(world)
        let (again, generation) = try classicGroup(1, in: world)
        #expect(generation == 1)
        #expect(try heartbeat(again[0], 1, world) == .noError)
        #expect(bytes(of: try world.groups.reader()) == bytes(of: world.groups.shard))
    }

    @Test(
        "a classic member that is silent, or does not join again in time, is out",
        arguments: [true, false])
    func classicTimeouts(isSilent: Bool) throws {
        let world = try ConsumerScenario()
        let (members, generation) = try classicGroup(1, in: world)
        var c = world.consumer("c")
        try c.heartbeat(world)
        for _ in 0..<14 {
            world.pass(milliseconds: 5_000)
            if !isSilent { _ = try? heartbeat(members[0], generation, world) }
            try c.heartbeat(world)
        }
        #expect(c.count == 6)
        #expect(try world.describe().members.map(\.memberId) == ["c"])
    }

    @Test("classic members leave, one by one or by their instance, but consumers cannot be made to")
    func classicLeave() throws {
        let world = try ConsumerScenario()
        let (members, _) = try classicGroup(2, in: world, instances: ["i", nil])
        var c = world.consumer("c") { $0.instance = "j" }
        try c.heartbeat(world)
        let unknown = ErrorCode.unknownMemberId.rawValue
        #expect(
            try world.groups.leave([
                ("", "i"), (members[1], nil), (members[1], nil), ("c", nil), ("", "j"), ("x", nil),
            ]) == [0, 0, unknown, unknown, unknown, unknown])
        #expect(try world.describe().members.map(\.memberId) == ["c"])
        try c.heartbeat(world)
        #expect(c.count == 6)
    }

    @Test("a classic member is held to its generation, its protocol and its instance")
    func classicFencing() throws {
        let world = try ConsumerScenario()
        let (members, generation) = try classicGroup(1, in: world, instances: ["i"])
        var c = world.consumer("c")
        try c.heartbeat(world)
        let groups = world.groups
        #expect(try heartbeat(members[0], generation + 1, world) == .illegalGeneration)
        #expect(try heartbeat("c", c.epoch, world) == .unknownMemberId)
        #expect(
            try groups.heartbeat("other", generation: 1, instance: "i")
                == ErrorCode.fencedInstanceId.rawValue)
        let ticket = groups.join("") { $0.protocols = ["other"] }
        #expect(groups.joined(ticket)?.errorCode == ErrorCode.inconsistentGroupProtocol.rawValue)
        let code = try groups.commit([("t", 0, 1)], member: members[0], generation: 9, version: 8)
        #expect(code == [ErrorCode.illegalGeneration.rawValue])
        #expect(
            try groups.commit(
                [("t", 0, 1)], member: members[0], generation: generation, version: 8) == [0])
    }
}

extension ConsumerScenario {
    fileprivate func consumerError(_ id: String) throws -> ErrorCode {
        var client = consumer(id)
        return ErrorCode(rawValue: try client.heartbeat(self).errorCode) ?? .unknownServerError
    }
}
