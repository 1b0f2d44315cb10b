import Coordination
import Primitives
import Testing
import WireProtocol

@Suite("Static members") struct StaticMemberTests {
    private func settled(
        _ world: GroupScenario, session: Int32 = 10_000
    ) throws -> (generation: Int32, members: [String], leader: String) {
        try world.settle(2) { wish, index in
            wish.instance = "i\(index)"
            wish.session = session
        }
    }

    @Test("an instance that comes back gets its assignment under a new id, without a rebalance")
    func follower() throws {
        let world = GroupScenario()
        let group = try settled(world)
        let back = try #require(world.joined(world.join { $0.instance = "i1" }))
        #expect(back.errorCode == 0 && back.generationId == 1)
        #expect(back.memberId.hasPrefix("i1-") && back.memberId != group.members[1])
        #expect(try world.state() == "Stable")
        let sync = world.sync(back.memberId, generation: 1, instance: "i1")
        #expect(world.synced(sync)?.assignment == Bytes([1]))
        try world.restart()
        #expect(try world.heartbeat(back.memberId, generation: 1, instance: "i1") == 0)
        #expect(world.log.count == 2)
    }

    @Test("the member that an instance was before is fenced, its commits too")
    func fenced() throws {
        let world = GroupScenario()
        let group = try settled(world)
        _ = world.join { $0.instance = "i1" }
        let fenced = ErrorCode.fencedInstanceId.rawValue
        let old = group.members[1]
        #expect(try world.heartbeat(old, generation: 1, instance: "i1") == fenced)
        #expect(world.synced(world.sync(old, generation: 1, instance: "i1"))?.errorCode == fenced)
        #expect(
            try world.commit([("t", 0, 5)], member: old, generation: 1) {
                $0.groupInstanceId = "i1"
            } == [fenced])
        #expect(try world.leave([(old, "i1")]) == [fenced])
        #expect(try world.offset() == -1)
        let again = try #require(world.joined(world.join(old) { $0.instance = "i1" }))
        #expect(again.errorCode == fenced)
    }

    @Test(
        "a leader that comes back does not assign anew", arguments: [5, 9] as [Int16])
    func leader(version: Int16) throws {
        let world = GroupScenario()
        let group = try settled(world)
        let back = try #require(
            world.joined(
                world.join {
                    $0.instance = "i0"
                    $0.version = version
                }))
        #expect(back.skipAssignment == (version == 9))
        #expect(back.leader == (version == 9 ? back.memberId : group.leader))
        #expect(back.members.count == (version == 9 ? 2 : 0))
    }

    @Test("an instance that comes back with another protocol makes the group rebalance")
    func otherProtocol() throws {
        let world = GroupScenario()
        let group = try world.settle(1) { wish, _ in
            wish.instance = "i0"
            wish.protocols = ["a", "b"]
        }
        let back = try #require(
            world.joined(
                world.join {
                    $0.instance = "i0"
                    $0.protocols = ["b", "a"]
                }))
        #expect(back.generationId == group.generation + 1 && back.protocolName == "b")
    }

    @Test("static members that are away stay in the group until their session ends")
    func away() throws {
        let world = GroupScenario()
        let group = try settled(world, session: 120_000)
        let third = world.join { $0.session = 120_000 }
        let first = world.join(group.members[0]) { $0.instance = "i0" }
        world.pass(milliseconds: 60_000)
        let answers = [first, third].map { world.joined($0) }
        #expect(answers.map { $0?.generationId } == [2, 2])
        #expect(answers[0]?.members.count == 3)
    }

    @Test("an instance that comes back during a rebalance waits for it, longer than a session")
    func waitsForRebalance() throws {
        let world = GroupScenario()
        let group = try settled(world)
        let third = world.join()
        let back = world.join { $0.instance = "i1" }
        let busy = group.members[0]
        for _ in 0..<4 {
            world.pass(milliseconds: 5_000)
            #expect(
                try world.heartbeat(busy, generation: 1, instance: "i0")
                    == ErrorCode.rebalanceInProgress.rawValue)
        }
        #expect(world.joined(back) == nil)
        let first = world.join(busy) { $0.instance = "i0" }
        #expect([first, back, third].map { world.joined($0)?.generationId } == [2, 2, 2])
    }

    @Test("when none but static members is left and none comes back, they go one by one")
    func nobodyBack() throws {
        let world = GroupScenario()
        _ = try settled(world, session: 100_000)
        _ = world.join { $0.instance = "i0" }
        world.pass(milliseconds: 1)
        world.pass(milliseconds: 200_000)
        #expect(try world.state() == "Empty")
    }

    @Test("an operator takes out an instance without knowing its member id")
    func removedByInstance() throws {
        let world = GroupScenario()
        _ = try settled(world)
        let codes = try world.leave([("", "i1"), ("", "i9"), ("", nil)])
        let unknown = ErrorCode.unknownMemberId.rawValue
        #expect(codes == [0, unknown, unknown])
        #expect(try world.describe().members.map(\.groupInstanceId) == ["i0"])
    }

    @Test("a return that cannot be logged changes nothing")
    func refused() throws {
        let world = GroupScenario()
        let group = try settled(world)
        world.refusal = .coordinatorNotAvailable
        let back = try #require(world.joined(world.join { $0.instance = "i1" }))
        #expect(back.errorCode == ErrorCode.coordinatorNotAvailable.rawValue)
        #expect(try world.heartbeat(group.members[1], generation: 1, instance: "i1") == 0)
    }

    @Test("an instance that joins twice while the group rebalances is the later one")
    func twiceInRebalance() throws {
        let world = GroupScenario { $0.initialRebalanceDelay = 3000 }
        let first = world.join { $0.instance = "i0" }
        let second = world.join { $0.instance = "i0" }
        #expect(world.joined(first)?.errorCode == ErrorCode.fencedInstanceId.rawValue)
        world.pass(milliseconds: 6000)
        #expect(world.joined(second)?.members.count == 1)
    }
}
