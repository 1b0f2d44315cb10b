import Primitives
import Testing
import WireProtocol

@testable import Coordination

@Suite("Consumer groups")
struct ConsumerGroupTests {
    @Test("the first member gets everything, and the time to its next heartbeat")
    func firstMember() throws {
        let world = try ConsumerScenario()
        var a = world.consumer("a")
        let response = try a.heartbeat(world)
        #expect(response.errorCode == 0)
        #expect(response.memberId == "a")
        #expect(response.memberEpoch == 1)
        #expect(response.heartbeatIntervalMs == 5_000)
        #expect(a.count == 6)
        #expect(try world.state == "Stable")
    }

    @Test("a second member gets its half only when the first has given it up")
    func secondMember() throws {
        let world = try ConsumerScenario()
        var a = world.consumer("a") { $0.isQuick = false }
        var b = world.consumer("b")
        try a.heartbeat(world)
        try b.heartbeat(world)
        #expect(b.epoch == 2)
        #expect(b.count == 0)
        #expect(try world.state == "Reconciling")

        // It is told, and keeps its epoch until it has done so.
        try a.heartbeat(world)
        #expect(a.count == 3)
        #expect(a.epoch == 1)
        try a.heartbeat(world)
        try b.heartbeat(world)
        #expect(a.epoch == 1)
        #expect(b.count == 0)

        a.giveUp()
        try a.heartbeat(world)
        #expect(a.epoch == 2)
        try b.heartbeat(world)
        #expect(b.count == 3)
        #expect(try world.state == "Stable")
    }

    @Test("a heartbeat that changes nothing costs no record and no timer, and says little")
    func steadyHeartbeat() throws {
        let world = try ConsumerScenario()
        var clients = ["a", "b", "c"].map { world.consumer($0) }
        try world.settle(&clients)
        let (records, timers) = (world.logged, world.groups.timersSet)
        for _ in 0..<20 {
            world.pass(milliseconds: 1_000)
            for index in clients.indices {
                let response = try clients[index].heartbeat(world)
                #expect(response.assignment == nil)
            }
        }
        #expect(world.logged == records)
        #expect(world.groups.timersSet == timers)
    }

    @Test("a heartbeat that says everything is told everything")
    func fullHeartbeat() throws {
        let world = try ConsumerScenario()
        var a = world.consumer("a")
        try a.heartbeat(world)
        var request = a.request
        request.rebalanceTimeoutMs = 60_000
        request.subscribedTopicNames = ["t"]
        #expect(try world.send(request).assignment?.topicPartitions.first?.partitions.count == 6)
    }

    @Test("what a member leaves behind goes to the others at their heartbeats")
    func leaving() throws {
        let world = try ConsumerScenario()
        var clients = ["a", "b"].map { world.consumer($0) }
        try world.settle(&clients)
        let response = try clients[0].leave(world)
        #expect(response.memberEpoch == -1)
        #expect(try world.state == "Assigning")
        clients.removeFirst()
        try clients[0].heartbeat(world)
        #expect(clients[0].count == 6)
        #expect(try world.state == "Stable")
        #expect(try clients[0].leave(world).errorCode == 0)
        #expect(try world.state == "Empty")
    }

    @Test("a member that is silent for a session is out, and its partitions go on")
    func sessionTimeout() throws {
        let world = try ConsumerScenario()
        var clients = ["a", "b"].map { world.consumer($0) }
        try world.settle(&clients)
        for _ in 0..<8 {
            world.pass(milliseconds: 5_000)
            try clients[1].heartbeat(world)
        }
        #expect(try world.describe().members.count == 2)
        world.pass(milliseconds: 5_000)
        #expect(try world.describe().members.map(\.memberId) == ["b"])
        try clients[1].heartbeat(world)
        #expect(clients[1].count == 6)
        #expect(try world.error("a", epoch: 2) == .unknownMemberId)
    }

    @Test("a member that does not give up partitions within its rebalance timeout is out")
    func rebalanceTimeout() throws {
        let world = try ConsumerScenario()
        var a = world.consumer("a") {
            $0.isQuick = false
            $0.rebalanceTimeout = 12_000
        }
        var b = world.consumer("b")
        try a.heartbeat(world)
        try b.heartbeat(world)
        for _ in 0..<3 {
            try a.heartbeat(world)
            try b.heartbeat(world)
            world.pass(milliseconds: 5_000)
        }
        #expect(try world.error("a", epoch: 1) == .unknownMemberId)
        try b.heartbeat(world)
        #expect(b.count == 6)
    }

    @Test("a member that gives up partitions in time stays")
    func revocationInTime() throws {
        let world = try ConsumerScenario()
        var a = world.consumer("a") {
            $0.isQuick = false
            $0.rebalanceTimeout = 12_000
        }
        var b = world.consumer("b")
        try a.heartbeat(world)
        try b.heartbeat(world)
        try a.heartbeat(world)
        world.pass(milliseconds: 10_000)
        a.giveUp()
        try a.heartbeat(world)
        world.pass(milliseconds: 10_000)
        #expect(try world.describe().members.count == 2)
    }

    @Test("a member that subscribes anew makes the group read what it reads")
    func newSubscription() throws {
        let world = try ConsumerScenario(topics: [("t", 4), ("u", 2)])
        var clients = ["a", "b"].map { world.consumer($0) }
        try world.settle(&clients)
        try clients[0].subscribe(to: ["u"], world)
        try world.settle(&clients)
        #expect(clients[0].count(of: world.id(of: "t")) == 0)
        #expect(clients[0].count(of: world.id(of: "u")) == 2)
        #expect(clients[1].count(of: world.id(of: "t")) == 4)
    }

    @Test("the assignor that most members ask for is used")
    func assignorVotes() throws {
        let world = try ConsumerScenario()
        var clients = ["a", "b", "c"].map { world.consumer($0) }
        clients[0].assignor = "range"
        clients[1].assignor = "range"
        clients[2].assignor = "uniform"
        try world.settle(&clients)
        #expect(try world.describe().assignorName == "range")
        #expect(clients[0].owned[world.id(of: "t")] == [0, 1])
    }

    @Test("a member of version 0 may leave it to the coordinator to name it")
    func unnamed() throws {
        let world = try ConsumerScenario()
        var a = world.consumer("") { $0.version = 0 }
        try a.heartbeat(world)
        #expect(!a.id.isEmpty)
        #expect(try world.describe().members.map(\.memberId) == [a.id])
        #expect(try a.heartbeat(world).errorCode == 0)
    }

    @Test("a join that is sent again, as its answer was lost, makes no second member")
    func joinAgain() throws {
        let world = try ConsumerScenario()
        let a = world.consumer("a")
        let first = try world.send(a.request)
        let second = try world.send(a.request)
        #expect(second.errorCode == 0)
        #expect(second.memberEpoch == first.memberEpoch)
        #expect(second.assignment?.topicPartitions.first?.partitions.count == 6)
        #expect(try world.describe().members.count == 1)
    }

    @Test("a group that is full takes no more, but keeps those it has")
    func fullGroup() throws {
        let world = try ConsumerScenario { $0.consumer.maximumSize = 1 }
        var a = world.consumer("a")
        var b = world.consumer("b")
        try a.heartbeat(world)
        #expect(try b.heartbeat(world).errorCode == ErrorCode.groupMaxSizeReached.rawValue)
        #expect(try a.heartbeat(world).errorCode == 0)
    }

    @Test("a change that cannot be stored is refused, and nothing of it stays")
    func refusedAppend() throws {
        let world = try ConsumerScenario()
        world.groups.refusal = .coordinatorNotAvailable
        var a = world.consumer("a")
        #expect(try a.heartbeat(world).errorCode == ErrorCode.coordinatorNotAvailable.rawValue)
        #expect(try world.describe().errorCode == ErrorCode.groupIdNotFound.rawValue)
        world.groups.refusal = nil
        try a.heartbeat(world)
        #expect(a.count == 6)
    }

    @Test("after a restart of the coordinator members go on without noticing")
    func restart() throws {
        let world = try ConsumerScenario()
        var clients = ["a", "b", "c"].map { world.consumer($0) }
        try world.settle(&clients)
        let before = try world.describe()
        let (live, logged) = (world.groups.shard, world.logged)
        #expect(bytes(of: try world.groups.reader()) == bytes(of: live))
        try world.restart()
        for index in clients.indices {
            let response = try clients[index].heartbeat(world)
            #expect(response.errorCode == 0)
            #expect(response.assignment == nil)
        }
        #expect(world.logged == logged)
        #expect(try world.describe().groupEpoch == before.groupEpoch)
        world.pass(milliseconds: 44_000)
        #expect(try world.describe().members.count == 3)
        world.pass(milliseconds: 2_000)
        #expect(try world.state == "Empty")
    }

    @Test("the group shows who has what, and who is to have what")
    func description() throws {
        let world = try ConsumerScenario()
        var a = world.consumer("a") { $0.instance = "i" }
        var b = world.consumer("b")
        try a.heartbeat(world)
        try b.heartbeat(world)
        let group = try world.describe()
        #expect(group.groupState == "Reconciling")
        #expect(group.groupEpoch == 2)
        #expect(group.assignmentEpoch == 2)
        #expect(group.assignorName == "uniform")
        let member = try #require(group.members.first)
        #expect(member.memberId == "a")
        #expect(member.instanceId == "i")
        #expect(member.clientHost == "/127.0.0.1")
        #expect(member.subscribedTopicNames == ["t"])
        #expect(member.memberEpoch == 1)
        #expect(member.memberType == 1)
        #expect(member.assignment.topicPartitions.map(\.partitions.count) == [6])
        #expect(member.assignment.topicPartitions.map(\.topicName) == ["t"])
        #expect(member.targetAssignment.topicPartitions.map(\.partitions.count) == [3])
        #expect(try world.describe("other").errorCode == ErrorCode.groupIdNotFound.rawValue)
    }

    @Test("only an empty group can be deleted, and then nothing of it stays in the log")
    func deletion() throws {
        let world = try ConsumerScenario()
        var a = world.consumer("a", topics: nil) { $0.pattern = "t.*" }
        try a.heartbeat(world)
        func delete() throws -> Int16 {
            guard
                case .deleted(let result) = try world.groups.ask(
                    version: 2, { $0.deleteGroup("g", $1) })
            else { return -1 }
            return result.errorCode
        }
        #expect(try delete() == ErrorCode.nonEmptyGroup.rawValue)
        _ = try a.leave(world)
        #expect(try delete() == 0)
        var latest: [[UInt8]: Bool] = [:]
        for entry in world.groups.log { latest[entry.key.array] = entry.value != nil }
        #expect(latest.values.allSatisfy { !$0 })
        #expect(try world.groups.reader().durableRecords.isEmpty)
    }

    @Test("500 members that join at once settle within a few heartbeats of each")
    func manyMembers() throws {
        let world = try ConsumerScenario(topics: [("t", 1_000)])
        var clients = (0..<500).map { world.consumer("m" + String(1_000 + $0)) }
        try world.settle(&clients, rounds: 6)
        #expect(clients.allSatisfy { $0.count == 2 })
        #expect(try world.describe().groupEpoch == 500)
        // Each join moves a few partitions, not all of them.
        #expect(world.logged < 500 * 20)
    }
}
