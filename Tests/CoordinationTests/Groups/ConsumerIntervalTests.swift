import Primitives
import Testing
import WireProtocol

@testable import Coordination

/// How often a consumer group's partitions are shared out (KIP-1263).
@Suite("Consumer groups between two assignments")
struct ConsumerIntervalTests {
    private func world(partitions: Int32 = 6) throws -> ConsumerScenario {
        try ConsumerScenario(topics: [("t", partitions), ("u", 2)]) {
            $0.consumer.assignmentInterval = 1_000
        }
    }

    /// How many target assignments the log has.
    private func assignments(in world: ConsumerScenario) throws -> Int {
        try world.groups.log.count { entry in
            let record = try GroupRecord(key: entry.key, value: entry.value)
            if case .consumerGroupTargetAssignmentMetadata(_, .some)? = record { return true }
            return false
        }
    }

    @Test("500 members that join at once share one assignment, after that of the first")
    func joinTogether() throws {
        let world = try world(partitions: 500)
        var clients = (0..<500).map { world.consumer("m\($0)") }
        var answers: [ConsumerGroupHeartbeatResponse] = []
        for index in clients.indices {
            answers.append(try clients[index].heartbeat(world))
            world.pass(milliseconds: 1)
        }
        #expect(answers.allSatisfy { $0.memberEpoch == 1 && $0.heartbeatIntervalMs == 1_000 })
        #expect(clients[1].count == 0)
        #expect(try world.state == "Assigning")

        world.pass(milliseconds: 500)
        for _ in 0..<2 {
            for index in clients.indices { try clients[index].heartbeat(world) }
        }
        #expect(clients.allSatisfy { $0.count == 1 && $0.epoch == 500 })
        #expect(try world.state == "Stable")
        #expect(try assignments(in: world) == 2)
    }

    @Test(
        "members that leave one soon after the other share an assignment, after that for the first")
    func leaveTogether() throws {
        let world = try world(partitions: 12)
        var clients = (0..<6).map { world.consumer("m\($0)") }
        for index in clients.indices { try clients[index].heartbeat(world) }
        world.pass(milliseconds: 1_000)
        try world.settle(&clients)
        let before = try assignments(in: world)
        world.pass(milliseconds: 1_000)
        for _ in 0..<4 {
            var gone = clients.removeLast()
            _ = try gone.leave(world)
            try clients[0].heartbeat(world)
        }
        try world.settle(&clients)
        #expect(clients.allSatisfy { $0.count == 6 })
        #expect(try assignments(in: world) == before + 2)
    }

    @Test("who is alone does not wait, however quickly it comes back")
    func alone() throws {
        let world = try world()
        for id in ["a", "b", "c"] {
            var client = world.consumer(id)
            try client.heartbeat(world)
            #expect(client.count == 6)
            _ = try client.leave(world)
        }
    }

    @Test("a member that subscribes anew is assigned what it reads now, at once")
    func subscribesAnew() throws {
        let world = try world()
        var clients = ["a", "b"].map { world.consumer($0) }
        for index in clients.indices { try clients[index].heartbeat(world) }
        try clients[0].subscribe(to: ["u"], world)
        #expect(clients[0].count(of: world.id(of: "t")) == 0)
    }

    @Test("a member that has to wait is asked back sooner than one that has all it will get")
    func heartbeats() throws {
        let world = try world()
        var a = world.consumer("a") { $0.isQuick = false }
        var b = world.consumer("b")
        try a.heartbeat(world)
        world.pass(milliseconds: 2_000)
        #expect(try a.heartbeat(world).heartbeatIntervalMs == 5_000)
        // What it is to have is still in other hands.
        for _ in 0..<3 { #expect(try b.heartbeat(world).heartbeatIntervalMs == 1_000) }
        try a.heartbeat(world)
        a.giveUp()
        #expect(try a.heartbeat(world).heartbeatIntervalMs == 5_000)
        #expect(try b.heartbeat(world).heartbeatIntervalMs == 5_000)
        #expect(b.count == 3)
    }

    @Test("a coordinator that has just begun does not wait")
    func restart() throws {
        let world = try world()
        var clients = ["a", "b"].map { world.consumer($0) }
        for index in clients.indices { try clients[index].heartbeat(world) }
        #expect(try world.state == "Assigning")
        try world.restart()
        try clients[1].heartbeat(world)
        #expect(try world.state == "Reconciling")
    }

    @Test("an interval of 0 makes an assignment for every change")
    func noInterval() throws {
        let world = try ConsumerScenario()
        for number in 1...5 {
            var client = world.consumer("m\(number)")
            #expect(try client.heartbeat(world).heartbeatIntervalMs == 5_000)
            #expect(client.epoch == number)
        }
        #expect(try assignments(in: world) == 5)
    }
}
