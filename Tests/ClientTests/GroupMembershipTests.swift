import Primitives
import Testing
import WireProtocol

@testable import Client

@Suite("A member of a classic group, without a cluster")
struct GroupMembershipTests {
    private func joined(
        _ error: ErrorCode = .noError, member: String = "m", leader: String = "m",
        members: [(String, Bytes)] = []
    ) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.errorCode = error.rawValue
        response.generationId = 4
        response.memberId = member
        response.leader = leader
        response.members = members.map { id, metadata in
            var member = JoinGroupResponse.JoinGroupResponseMember()
            (member.memberId, member.metadata) = (id, metadata)
            return member
        }
        return response
    }

    private func synced(
        _ error: ErrorCode = .noError, _ partitions: [TopicPartition] = []
    ) -> SyncGroupResponse {
        var response = SyncGroupResponse()
        response.errorCode = error.rawValue
        response.assignment = GroupMembership.assignment(of: partitions)
        return response
    }

    private func partition(_ index: Int32, of topic: String = "t") -> TopicPartition {
        TopicPartition(topic: topic, partition: PartitionIndex(index))
    }

    private func reading() throws -> GroupMembership {
        var member = GroupMembership()
        try member.joined(joined(leader: "other"), group: "g")
        try member.synced(synced(.noError, [partition(1), partition(0)]), group: "g")
        return member
    }

    @Test("a member is named, joins, syncs, and reads what it was given, in order")
    func wayIn() throws {
        var member = GroupMembership()
        try member.joined(joined(.memberIdRequired, member: "m"), group: "g")
        #expect(member.state == .joining && member.memberID == "m" && member.generation == nil)
        try member.joined(joined(leader: "other"), group: "g")
        #expect(member.state == .syncing(generation: 4, leading: nil))
        try member.synced(synced(.noError, [partition(1), partition(0)]), group: "g")
        #expect(member.state == .reading(generation: 4, [partition(0), partition(1)]))
        #expect(member.generation == 4 && !member.isLeader)
    }

    @Test("the leader is told what all read, also by members with a newer layout")
    func leading() throws {
        var member = GroupMembership()
        let said = GroupMembership.subscription(to: ["u"])
        var newer = ByteWriter()
        newer.write(9 as Int16)
        newer.write(raw: said.slice(2..<said.count))
        newer.write(raw: Bytes([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]))
        try member.joined(
            joined(members: [
                ("m", GroupMembership.subscription(to: ["t", "u"])), ("n", newer.finish()),
            ]), group: "g")
        #expect(
            member.state
                == .syncing(
                    generation: 4,
                    leading: [
                        .init(member: "m", topics: ["t", "u"]), .init(member: "n", topics: ["u"]),
                    ]))
    }

    @Test("a heartbeat that calls leaves the member its generation until it joins")
    func called() throws {
        var member = try reading()
        member.heard(ErrorCode.rebalanceInProgress.rawValue, of: 4)
        #expect(member.state == .called(generation: 4) && member.generation == 4)
        try member.joined(joined(), group: "g")
        #expect(member.generation == nil)
    }

    @Test("who is not a member any more joins as somebody else, who missed a rebalance as itself")
    func out() throws {
        for (error, id) in [(ErrorCode.unknownMemberId, ""), (.illegalGeneration, "m")] {
            var member = try reading()
            member.heard(error.rawValue, of: 4)
            #expect(member.state == .joining && member.memberID == id)
        }
    }

    @Test("answers of an earlier generation change nothing")
    func late() throws {
        var member = try reading()
        for error in [ErrorCode.rebalanceInProgress, .unknownMemberId, .illegalGeneration] {
            member.heard(error.rawValue, of: 3)
        }
        member.lost(3)
        #expect(member.generation == 4 && member.state != .called(generation: 4))
        member.lost(4)
        #expect(member.state == .joining)
    }

    @Test("a sync into a rebalance that has begun anew joins again")
    func syncTooLate() throws {
        var member = GroupMembership()
        try member.joined(joined(), group: "g")
        try member.synced(synced(.rebalanceInProgress), group: "g")
        #expect(member.state == .joining && member.memberID == "m")
    }

    @Test("what joining again would not mend is thrown, with the group's name")
    func refused() throws {
        var member = GroupMembership()
        let error = #expect(throws: ClientError.self) {
            try member.joined(joined(.inconsistentGroupProtocol), group: "g")
        }
        #expect("\(try #require(error))".contains("group \"g\""))
        #expect(throws: ClientError.self) {
            try member.joined(joined(members: [("n", Bytes([0, 1, 9]))]), group: "g")
        }
    }
}

@Suite("The range assignor")
struct RangeAssignorTests {
    private func shares(
        _ members: [RangeAssignor.Subscription], _ counts: [String: Int32]
    ) -> [String: [String]] {
        RangeAssignor.assign(members, counts: counts).mapValues { $0.map(\.description) }
    }

    @Test("each topic is cut into runs, the first members have one more")
    func runs() {
        let members = ["c", "a", "b"].map {
            RangeAssignor.Subscription(member: $0, topics: ["t", "u"])
        }
        let shared = shares(members, ["t": 4, "u": 2])
        #expect(shared["a"] == ["t-0", "t-1", "u-0"])
        #expect(shared["b"] == ["t-2", "u-1"])
        #expect(shared["c"] == ["t-3"])
    }

    @Test("who gets nothing is there all the same, and a topic that does not exist has nothing")
    func nothing() {
        let members = ["a", "b"].map { RangeAssignor.Subscription(member: $0, topics: ["t", "x"]) }
        #expect(shares(members, ["t": 1]) == ["a": ["t-0"], "b": []])
    }

    @Test("members get topics that they read, static ones first")
    func subscriptions() {
        let shared = shares(
            [
                .init(member: "a", topics: ["t"]), .init(member: "b", topics: ["t", "u"]),
                .init(member: "z", instance: "one", topics: ["t"]),
            ], ["t": 3, "u": 2])
        #expect(shared == ["a": ["t-1"], "b": ["t-2", "u-0", "u-1"], "z": ["t-0"]])
    }
}
