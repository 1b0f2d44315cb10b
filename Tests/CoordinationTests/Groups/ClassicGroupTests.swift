import Coordination
import Primitives
import Testing
import WireProtocol

@Suite("A classic group") struct ClassicGroupTests {
    @Test("members that join at once share one generation, and the first of them leads")
    func oneGeneration() throws {
        let world = GroupScenario { $0.initialRebalanceDelay = 3000 }
        let group = try world.settle(3)
        #expect(group.generation == 1)
        #expect(group.leader == group.members[0])
        #expect(try world.state() == "Stable")
        #expect(Set(group.members).count == 3)
        #expect(world.log.count == 1)
    }

    @Test("500 members joining over two seconds settle in one rebalance")
    func manyMembers() throws {
        let world = GroupScenario { $0.initialRebalanceDelay = 3000 }
        var tickets: [GroupTicket] = []
        for _ in 0..<500 {
            tickets.append(world.join())
            world.pass(milliseconds: 4)
        }
        #expect(tickets.allSatisfy { world.joined($0) == nil })
        world.pass(milliseconds: 4000)
        let answers = try tickets.map { try #require(world.joined($0)) }
        #expect(answers.allSatisfy { $0.generationId == 1 && $0.errorCode == 0 })
        #expect(answers.filter { !$0.members.isEmpty }.map(\.members.count) == [500])
        try world.assign(answers)
        #expect(try world.state() == "Stable")
    }

    @Test("the first rebalance waits on while members come, but no longer than one may last")
    func initialDelayIsBounded() throws {
        let world = GroupScenario { $0.initialRebalanceDelay = 3000 }
        let first = world.join { $0.rebalance = 10_000 }
        for _ in 0..<9 {
            world.pass(milliseconds: 1000)
            _ = world.join { $0.rebalance = 10_000 }
        }
        #expect(world.joined(first) == nil)
        world.pass(milliseconds: 1000)
        #expect(world.joined(first)?.generationId == 1)
    }

    @Test("from version 4 a newcomer is sent away once, to come again with a member id")
    func memberIDRequired() throws {
        let world = GroupScenario()
        let answer = try #require(world.joined(world.join { $0.version = 4 }))
        #expect(answer.errorCode == ErrorCode.memberIdRequired.rawValue)
        #expect(answer.memberId.hasPrefix("client-"))
        let ticket = world.join(answer.memberId) { $0.version = 4 }
        world.pass(milliseconds: 1)
        #expect(world.joined(ticket)?.memberId == answer.memberId)
        #expect(world.joined(ticket)?.generationId == 1)
    }

    @Test("a promised member id that is not used is forgotten, and the group with it")
    func promiseExpires() throws {
        let world = GroupScenario()
        let id = try #require(world.joined(world.join { $0.version = 4 })).memberId
        world.pass(milliseconds: 10_001)
        #expect(try world.state() == "Dead")
        let late = try #require(world.joined(world.join(id) { $0.version = 4 }))
        #expect(late.errorCode == ErrorCode.unknownMemberId.rawValue)
    }

    @Test("a newcomer makes the others join again, and the generation grows")
    func newcomer() throws {
        let world = GroupScenario()
        let group = try world.settle(2)
        let third = world.join()
        #expect(try world.state() == "PreparingRebalance")
        #expect(
            try world.heartbeat(group.members[0], generation: 1)
                == ErrorCode.rebalanceInProgress.rawValue)
        let others = group.members.map { world.join($0) }
        let answers = try (others + [third]).map { try #require(world.joined($0)) }
        #expect(answers.allSatisfy { $0.generationId == 2 && $0.leader == group.leader })
        try world.assign(answers)
        #expect(try world.heartbeat(group.members[0], generation: 2) == 0)
        #expect(
            try world.heartbeat(group.members[0], generation: 1)
                == ErrorCode.illegalGeneration.rawValue)
    }

    @Test("who does not join again within the rebalance timeout is out")
    func rebalanceTimeout() throws {
        let world = GroupScenario()
        let group = try world.settle(2) { wish, _ in
            wish.session = 100_000
            wish.rebalance = 30_000
        }
        let back = world.join(group.members[0]) { $0.rebalance = 30_000 }
        world.pass(milliseconds: 29_999)
        #expect(world.joined(back) == nil)
        world.pass(milliseconds: 1)
        let answer = try #require(world.joined(back))
        #expect(answer.generationId == 2 && answer.members.count == 1)
        #expect(
            try world.heartbeat(group.members[1], generation: 1)
                == ErrorCode.unknownMemberId.rawValue)
    }

    @Test("a leader that does not come back is followed by one that did")
    func leaderLost() throws {
        let world = GroupScenario()
        let group = try world.settle(3)
        let tickets = group.members.dropFirst().map { id in world.join(id) { $0.topics = ["u"] } }
        world.pass(milliseconds: 60_000)
        let answers = try tickets.map { try #require(world.joined($0)) }
        #expect(answers.allSatisfy { $0.leader == group.members[1] && $0.generationId == 2 })
    }

    @Test("a member that is silent for its session timeout is out, and the others rebalance")
    func sessionTimeout() throws {
        let world = GroupScenario()
        let group = try world.settle(2)
        for _ in 0..<3 {
            world.pass(milliseconds: 4_000)
            _ = try world.heartbeat(group.members[0], generation: 1)
        }
        #expect(try world.state() == "PreparingRebalance")
        #expect(
            try world.heartbeat(group.members[1], generation: 1)
                == ErrorCode.unknownMemberId.rawValue)
        let back = try #require(world.joined(world.join(group.members[0])))
        #expect(back.generationId == 2 && back.members.count == 1)
    }

    @Test("heartbeats write no record and set a timer once a session at most")
    func heartbeatsAreCheap() throws {
        let world = GroupScenario()
        let group = try world.settle(1)
        let (records, timers) = (world.log.count, world.timersSet)
        for _ in 0..<1000 {
            world.pass(milliseconds: 100)
            #expect(try world.heartbeat(group.members[0], generation: 1) == 0)
        }
        #expect(world.log.count == records)
        #expect(world.timersSet - timers <= 11)
    }

    @Test("a group whose last member leaves is empty, which is logged")
    func empty() throws {
        let world = GroupScenario()
        let group = try world.settle(2)
        #expect(try world.leave(group.members.map { ($0, nil) }) == [0, 0])
        #expect(try world.state() == "Empty")
        #expect(world.log.count == 2)
        try world.restart()
        #expect(try world.state() == "Empty")
        #expect(try world.settle(1).generation == 3)
    }

    @Test("a group that never became stable leaves nothing behind")
    func neverStable() throws {
        let world = GroupScenario()
        let ticket = world.join()
        world.pass(milliseconds: 1)
        let id = try #require(world.joined(ticket)).memberId
        #expect(try world.leave([(id, nil)]) == [0])
        #expect(try world.state() == "Dead")
        #expect(world.log.isEmpty)
    }

    @Test("leaving in a batch is answered member by member and rebalances once")
    func batchedLeave() throws {
        let world = GroupScenario()
        let group = try world.settle(4)
        let codes = try world.leave([
            (group.members[1], nil), ("nobody", nil), (group.members[2], nil),
        ])
        #expect(codes == [0, ErrorCode.unknownMemberId.rawValue, 0])
        let back = [group.members[0], group.members[3]].map { world.join($0) }
        #expect(back.map { world.joined($0)?.generationId } == [2, 2])
    }

    @Test("members that do not sync in time are out")
    func syncTimeout() throws {
        let world = GroupScenario()
        let tickets = (0..<2).map { _ in world.join { $0.session = 100_000 } }
        world.pass(milliseconds: 0)
        let answers = try tickets.map { try #require(world.joined($0)) }
        let leader = world.sync(answers[0].memberId, generation: 1)
        #expect(world.synced(leader)?.errorCode == 0)
        world.pass(milliseconds: 60_000)
        #expect(try world.state() == "PreparingRebalance")
        let back = try #require(world.joined(world.join(answers[0].memberId)))
        #expect(back.members.map(\.memberId) == [answers[0].memberId])
    }

    @Test("a member that syncs before the leader waits for it, and learns of a new rebalance")
    func syncWaits() throws {
        let world = GroupScenario()
        let tickets = (0..<2).map { _ in world.join() }
        world.pass(milliseconds: 0)
        let answers = try tickets.map { try #require(world.joined($0)) }
        let waiting = world.sync(answers[1].memberId, generation: 1)
        #expect(world.synced(waiting) == nil)
        _ = world.join()
        #expect(world.synced(waiting)?.errorCode == ErrorCode.rebalanceInProgress.rawValue)
    }

    @Test("a sync of another generation, member or protocol is refused")
    func syncChecks() throws {
        let world = GroupScenario()
        let group = try world.settle(1)
        let id = group.members[0]
        let codes = [
            world.sync(id, generation: 2), world.sync("nobody", generation: 1),
            world.sync(id, generation: 1) { $0.protocolName = "other" },
            world.sync(id, generation: 1) { $0.protocolType = "connect" },
            world.sync(id, generation: 1) { $0.groupId = "other" },
            world.sync(id, generation: 1) { $0.groupId = "" },
        ].map { world.synced($0)?.errorCode }
        let expected: [ErrorCode] = [
            .illegalGeneration, .unknownMemberId, .inconsistentGroupProtocol,
            .inconsistentGroupProtocol, .unknownMemberId, .invalidGroupId,
        ]
        #expect(codes == expected.map(\.rawValue))
    }

    @Test("an assignment that cannot be logged makes everyone join again")
    func assignmentRefused() throws {
        let world = GroupScenario()
        let ticket = world.join()
        world.pass(milliseconds: 0)
        let answer = try #require(world.joined(ticket))
        world.refusal = .coordinatorNotAvailable
        let sync = world.sync(answer.memberId, generation: 1)
        #expect(world.synced(sync)?.errorCode == ErrorCode.coordinatorNotAvailable.rawValue)
        #expect(try world.state() == "PreparingRebalance")
        world.refusal = nil
        let again = try #require(world.joined(world.join(answer.memberId)))
        try world.assign([again])
        #expect(again.generationId == 2)
    }

    @Test("the protocol that all know and most prefer is chosen")
    func protocolChoice() throws {
        let world = GroupScenario()
        let wishes = [["a", "b"], ["b", "a", "c"], ["c", "b", "a"]]
        let tickets = wishes.map { names in world.join { $0.protocols = names } }
        world.pass(milliseconds: 0)
        let answers = try tickets.map { try #require(world.joined($0)) }
        #expect(answers.allSatisfy { $0.protocolName == "b" && $0.protocolType == "consumer" })
        let odd = [world.join { $0.protocols = ["c"] }, world.join { $0.type = "connect" }]
        #expect(
            odd.map { world.joined($0)?.errorCode }
                == [Int16](repeating: ErrorCode.inconsistentGroupProtocol.rawValue, count: 2))
    }

    @Test("a full group takes no more members, but those it has may come again")
    func fullGroup() throws {
        let world = GroupScenario { $0.maximumSize = 2 }
        let group = try world.settle(2)
        let third = try #require(world.joined(world.join()))
        #expect(third.errorCode == ErrorCode.groupMaxSizeReached.rawValue)
        let back = group.members.map { id in world.join(id) { $0.topics = ["u"] } }
        #expect(back.map { world.joined($0)?.generationId } == [2, 2])
    }

    @Test("a promised member for which there is no room any more holds no rebalance up")
    func promisedWithoutRoom() throws {
        let world = GroupScenario { $0.maximumSize = 2 }
        let group = try world.settle(1)
        let promised = try #require(world.joined(world.join { $0.version = 4 })).memberId
        let second = world.join()
        let first = world.join(group.members[0])
        #expect(world.joined(first) == nil)
        let refused = world.join(promised) { $0.version = 4 }
        #expect(
            world.joined(refused)?.errorCode == ErrorCode.groupMaxSizeReached.rawValue)
        #expect([first, second].map { world.joined($0)?.generationId } == [2, 2])
    }

    @Test("a follower that joins again unchanged in a stable group gets its generation at once")
    func lostAnswer() throws {
        let world = GroupScenario()
        let group = try world.settle(2)
        let again = try #require(world.joined(world.join(group.members[1])))
        #expect(again.generationId == 1 && again.members.isEmpty)
        #expect(try world.state() == "Stable")
    }

    @Test("requests with a wrong id, session timeout or no protocol are refused")
    func joinChecks() throws {
        let world = GroupScenario()
        let codes = [
            world.join { $0.group = "" }, world.join { $0.session = 5_999 },
            world.join { $0.session = 1_800_001 }, world.join("nobody"),
            world.join { $0.protocols = [] }, world.join { $0.type = "" },
        ].map { world.joined($0)?.errorCode }
        let expected: [ErrorCode] = [
            .invalidGroupId, .invalidSessionTimeout, .invalidSessionTimeout, .unknownMemberId,
            .inconsistentGroupProtocol, .inconsistentGroupProtocol,
        ]
        #expect(codes == expected.map(\.rawValue))
        #expect(try world.state() == "Dead")
    }

    @Test("members find their group, generation and assignment after the coordinator's death")
    func restart() throws {
        let world = GroupScenario()
        let group = try world.settle(3)
        try world.restart()
        #expect(try world.state() == "Stable")
        for (index, member) in group.members.enumerated() {
            #expect(try world.heartbeat(member, generation: group.generation) == 0)
            let sync = world.sync(member, generation: group.generation)
            #expect(world.synced(sync)?.assignment == Bytes([UInt8(index)]))
        }
        world.pass(milliseconds: 10_000)
        #expect(try world.state() == "PreparingRebalance" || world.state() == "Empty")
    }

    @Test("everyone who waits is sent away when the group's coordinator is another one")
    func resignation() throws {
        let world = GroupScenario()
        let group = try world.settle(2)
        let waiting = world.join(group.members[0])
        var shard = world.shard
        let answered = shard.resign(at: world.now).compactMap { effect -> Int16? in
            guard case .answer(waiting, .join(let response)) = effect else { return nil }
            return response.errorCode
        }
        #expect(answered == [ErrorCode.notCoordinator.rawValue])
        #expect(!shard.isActive)
    }
}
