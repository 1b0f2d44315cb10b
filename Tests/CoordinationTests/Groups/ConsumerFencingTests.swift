import Primitives
import Testing
import WireProtocol

@testable import Coordination

@Suite("Consumer groups: who may speak")
struct ConsumerFencingTests {
    struct Wrong: Sendable {
        let code: ErrorCode
        let change: @Sendable (inout ConsumerGroupHeartbeatRequest) -> Void

        init(
            _ code: ErrorCode,
            _ change: @escaping @Sendable (inout ConsumerGroupHeartbeatRequest) -> Void
        ) {
            self.code = code
            self.change = change
        }
    }

    @Test(
        "a request that no group could answer is refused",
        arguments: [
            Wrong(.invalidRequest) { $0.groupId = "" },
            Wrong(.invalidRequest) { $0.memberId = "" },
            Wrong(.invalidRequest) { $0.instanceId = "" },
            Wrong(.invalidRequest) { $0.rackId = "" },
            Wrong(.invalidRequest) { $0.rebalanceTimeoutMs = -1 },
            Wrong(.invalidRequest) { $0.topicPartitions = nil },
            Wrong(.invalidRequest) { $0.topicPartitions = [.init()] },
            Wrong(.invalidRequest) { $0.subscribedTopicNames = nil },
            Wrong(.invalidRequest) { $0.memberEpoch = -3 },
            Wrong(.invalidRequest) { $0.memberEpoch = -2 },
            Wrong(.unsupportedAssignor) { $0.serverAssignor = "roundrobin" },
            Wrong(.invalidRegularExpression) { $0.subscribedTopicRegex = "(" },
            Wrong(.invalidRegularExpression) { $0.subscribedTopicRegex = "(?=a)" },
        ])
    func invalidRequests(wrong: Wrong) throws {
        let world = try ConsumerScenario()
        let client = world.consumer("a")
        var request = client.request
        wrong.change(&request)
        let response = try world.send(request)
        #expect(response.errorCode == wrong.code.rawValue)
        #expect(response.errorMessage?.isEmpty == false)
        #expect(world.logged == 0)
    }

    @Test("an empty subscription is one, too", arguments: [true, false])
    func emptySubscription(hasNames: Bool) throws {
        let world = try ConsumerScenario()
        var a = world.consumer("a", topics: hasNames ? [] : nil) {
            $0.pattern = hasNames ? nil : ""
        }
        #expect(try a.heartbeat(world).errorCode == 0)
        #expect(a.epoch == 1)
        #expect(a.count == 0)
        #expect(try world.state == "Stable")
    }

    @Test("a member that is not in the group is told to join, as is one of a group that is gone")
    func unknownMember() throws {
        let world = try ConsumerScenario()
        #expect(try world.error("a", epoch: 3) == .unknownMemberId)
        #expect(try world.error("a", epoch: -1) == .groupIdNotFound)
        #expect(try world.error("a", epoch: -2, instance: "i") == .groupIdNotFound)
        var a = world.consumer("a")
        try a.heartbeat(world)
        #expect(try world.error("b", epoch: 1) == .unknownMemberId)
        #expect(try world.error("b", epoch: -1) == .unknownMemberId)
    }

    @Test("a member with an epoch that it was not given is fenced, and can join anew")
    func wrongEpoch() throws {
        let world = try ConsumerScenario()
        var clients = ["a", "b"].map { world.consumer($0) }
        try world.settle(&clients)
        #expect(try world.error("a", epoch: 3) == .fencedMemberEpoch)
        #expect(try world.error("a", epoch: 1) == .fencedMemberEpoch)
        world.pass(milliseconds: 46_000)
        clients[0].drop()
        clients[1].drop()
        try world.settle(&clients)
        #expect(clients.map(\.count) == [3, 3])
    }

    @Test("a member that did not get the last answer may be one epoch behind")
    func lostAnswer() throws {
        let world = try ConsumerScenario()
        var a = world.consumer("a")
        var b = world.consumer("b")
        try a.heartbeat(world)
        try b.heartbeat(world)
        try a.heartbeat(world)
        let request = a.request
        // The answer with the new epoch gets lost.
        #expect(try world.send(request).memberEpoch == 2)
        let again = try world.send(request)
        #expect(again.errorCode == 0)
        #expect(again.memberEpoch == 2)
        // But not with more than it was given.
        var greedy = request
        greedy.topicPartitions?[0].partitions = [0, 1, 2, 3, 4, 5]
        #expect(try world.send(greedy).errorCode == ErrorCode.fencedMemberEpoch.rawValue)
        var silent = request
        silent.topicPartitions = nil
        #expect(try world.send(silent).errorCode == ErrorCode.fencedMemberEpoch.rawValue)
    }

    @Test("a member that missed its assignment is told again once it says what it has")
    func missedAssignment() throws {
        let world = try ConsumerScenario()
        var clients = ["a", "b"].map { world.consumer($0) }
        try world.settle(&clients)
        _ = try clients[0].leave(world)
        _ = try world.send(clients[1].request)
        #expect(clients[1].count == 3)
        clients[1].noteLoss()
        try clients[1].heartbeat(world)
        #expect(clients[1].count == 6)
    }

    @Test("a static member that leaves for now keeps its partitions, and gets them under any id")
    func staticReturn() throws {
        let world = try ConsumerScenario()
        var clients = ["a", "b"].map { world.consumer($0) }
        clients[0].instance = "i"
        try world.settle(&clients)
        let owned = clients[0].owned
        #expect(try clients[0].leave(world, epoch: -2).memberEpoch == -2)
        try clients[1].heartbeat(world)
        #expect(clients[1].count == 3)
        clients[0].id = "a2"
        try clients[0].heartbeat(world)
        #expect(clients[0].owned == owned)
        #expect(try world.describe().groupEpoch == 2)
        #expect(try world.state == "Stable")
        #expect(try world.error("a", epoch: 2, instance: "i") == .fencedInstanceId)
        #expect(try world.error("a", epoch: -1, instance: "i") == .fencedInstanceId)
        #expect(try world.error("a", epoch: 2) == .unknownMemberId)
    }

    @Test("a static member that comes back with another subscription changes the group")
    func staticReturnOtherwise() throws {
        let world = try ConsumerScenario(topics: [("t", 2), ("u", 2)])
        var clients = [world.consumer("a") { $0.instance = "i" }]
        try world.settle(&clients)
        _ = try clients[0].leave(world, epoch: -2)
        clients[0].topics = ["u"]
        try world.settle(&clients)
        #expect(clients[0].count(of: world.id(of: "u")) == 2)
        #expect(clients[0].count == 2)
        #expect(try world.describe().groupEpoch == 2)
    }

    @Test("a static member that leaves while it gives up partitions has its whole session, too")
    func staticPauseDuringRevocation() throws {
        let world = try ConsumerScenario()
        var a = world.consumer("a") {
            $0.instance = "i"
            $0.rebalanceTimeout = 10_000
        }
        var b = world.consumer("b")
        try a.heartbeat(world)
        try b.heartbeat(world)
        a.isQuick = false
        try a.heartbeat(world)
        #expect(a.pending.values.map(\.count) == [3])
        _ = try a.leave(world, epoch: -2)
        for _ in 0..<8 {
            world.pass(milliseconds: 5_000)
            try b.heartbeat(world)
        }
        try a.heartbeat(world)
        #expect([a, b].map(\.count) == [3, 3])
        #expect(try world.state == "Stable")
    }

    @Test("a static member that does not come back within its session is out")
    func staticGone() throws {
        let world = try ConsumerScenario()
        var clients = [world.consumer("a") { $0.instance = "i" }]
        try world.settle(&clients)
        _ = try clients[0].leave(world, epoch: -2)
        world.pass(milliseconds: 46_000)
        #expect(try world.state == "Empty")
    }

    @Test("an instance id that is in use cannot be taken over")
    func instanceInUse() throws {
        let world = try ConsumerScenario()
        var a = world.consumer("a") { $0.instance = "i" }
        var b = world.consumer("b") { $0.instance = "i" }
        try a.heartbeat(world)
        #expect(try b.heartbeat(world).errorCode == ErrorCode.unreleasedInstanceId.rawValue)
        #expect(try world.error("b", epoch: 1, instance: "i") == .fencedInstanceId)
        #expect(try world.error("b", epoch: 1, instance: "j") == .unknownMemberId)
        #expect(try world.error("b", epoch: -2, instance: "j") == .unknownMemberId)
        #expect(try a.heartbeat(world).errorCode == 0)
    }

    @Test("a member cannot become another instance than it is")
    func otherInstance() throws {
        let world = try ConsumerScenario()
        var clients = [world.consumer("a"), world.consumer("b") { $0.instance = "i" }]
        try world.settle(&clients)
        _ = try clients[1].leave(world, epoch: -2)
        for instance in ["i", "j"] {
            var imposter = world.consumer("a") { $0.instance = instance }
            let code = try imposter.heartbeat(world).errorCode
            #expect(code == ErrorCode.fencedMemberEpoch.rawValue)
        }
        #expect(try world.describe().members.map(\.instanceId) == [nil, "i"])
    }

    @Test("offsets are stored for a member at its own epoch only")
    func commits() throws {
        let world = try ConsumerScenario()
        let groups = world.groups
        var a = world.consumer("a")
        try a.heartbeat(world)
        func commit(_ member: String, _ epoch: Int32, version: Int16 = 9) throws -> [Int16] {
            try groups.commit(
                [("t", 0, 5)], member: member, generation: epoch, version: version)
        }
        #expect(try commit("a", 1) == [0])
        #expect(try commit("a", 0) == [ErrorCode.staleMemberEpoch.rawValue])
        #expect(try commit("a", 2) == [ErrorCode.staleMemberEpoch.rawValue])
        #expect(try commit("b", 1) == [ErrorCode.unknownMemberId.rawValue])
        #expect(try commit("", -1) == [ErrorCode.unknownMemberId.rawValue])
        #expect(try commit("a", 1, version: 8) == [ErrorCode.unsupportedVersion.rawValue])
        _ = try a.leave(world)
        #expect(try commit("", -1) == [0])
    }

    @Test(
        "offsets are read at the member's own epoch, or by nobody in particular",
        arguments: [
            (nil, -1, .noError), ("a", 1, .noError), ("a", 2, .staleMemberEpoch),
            ("b", 1, .unknownMemberId),
        ] as [(String?, Int32, ErrorCode)])
    func fetches(member: String?, epoch: Int32, code: ErrorCode) throws {
        let world = try ConsumerScenario()
        var a = world.consumer("a")
        try a.heartbeat(world)
        var request = OffsetFetchRequest.OffsetFetchRequestGroup()
        request.groupId = "g"
        request.memberId = member
        request.memberEpoch = epoch
        #expect(try world.groups.fetch(request).errorCode == code.rawValue)
    }

    @Test("a group that only has offsets becomes a consumer group, and keeps them")
    func offsetsFirst() throws {
        let world = try ConsumerScenario()
        #expect(try world.groups.commit([("t", 0, 5)]) == [0])
        var a = world.consumer("a")
        try a.heartbeat(world)
        #expect(a.count == 6)
        #expect(try world.groups.offset() == 5)
        #expect(bytes(of: try world.groups.reader()) == bytes(of: world.groups.shard))
    }
}
