import Coordination
import Primitives
import Testing
import WireProtocol

/// What was set for single groups of the new protocol (KIP-848).
@Suite("Consumer groups with settings of their own")
struct ConsumerOwnSettingsTests {
    private let session = "consumer.session.timeout.ms"
    private let interval = "consumer.heartbeat.interval.ms"

    private func set(
        _ name: String, _ value: String?, of group: String = "g", _ world: ConsumerScenario
    ) throws {
        var record = ConfigRecord()
        record.resourceType = 32
        record.resourceName = group
        record.name = name
        record.value = value
        try world.apply([.config(record)])
    }

    private func members(_ world: ConsumerScenario) throws -> [String] {
        try world.describe().members.map(\.memberId).sorted()
    }

    @Test("each answer tells the interval that holds by then, and no other group's")
    func heartbeatInterval() throws {
        let world = try ConsumerScenario()
        var ours = world.consumer("a")
        var others = world.consumer("b") { $0.group = "h" }
        #expect(try ours.heartbeat(world).heartbeatIntervalMs == 5_000)
        #expect(try others.heartbeat(world).heartbeatIntervalMs == 5_000)
        try set(interval, "9000", world)
        #expect(try ours.heartbeat(world).heartbeatIntervalMs == 9_000)
        #expect(try others.heartbeat(world).heartbeatIntervalMs == 5_000)
        try set(interval, nil, world)
        #expect(try ours.heartbeat(world).heartbeatIntervalMs == 5_000)
    }

    @Test("a shorter session holds from a member's next heartbeat on, not before")
    func shorterSession() throws {
        let world = try ConsumerScenario()
        var clients = [world.consumer("a"), world.consumer("b")]
        try world.settle(&clients)
        try set(session, "10000", world)
        try clients[0].heartbeat(world)
        world.pass(milliseconds: 10_001)
        #expect(try members(world) == ["b"])
        world.pass(milliseconds: 35_000)
        #expect(try members(world) == [])
    }

    @Test("a longer session holds from a member's next heartbeat on")
    func longerSession() throws {
        let world = try ConsumerScenario()
        var clients = [world.consumer("a"), world.consumer("b")]
        try world.settle(&clients)
        try set(session, " 60000 ", world)
        try clients[0].heartbeat(world)
        world.pass(milliseconds: 50_000)
        #expect(try members(world) == ["a"])
        world.pass(milliseconds: 10_001)
        #expect(try members(world) == [])
    }

    @Test("what cannot be a time is as if it were not set", arguments: ["", "soon", "0", "-5"])
    func unreadable(value: String) throws {
        let world = try ConsumerScenario()
        try set(interval, value, world)
        var client = world.consumer("a")
        #expect(try client.heartbeat(world).heartbeatIntervalMs == 5_000)
    }

    @Test("a group's settings are the metadata's last change for groups")
    func change() throws {
        let world = try ConsumerScenario()
        let (topics, before) = (world.cluster.topicsChanged, world.cluster.groupSettingsChanged)
        try set(interval, "9000", world)
        #expect(world.cluster.groupSettingsChanged == world.cluster.provenance.offset)
        #expect(world.cluster.groupSettingsChanged != before)
        #expect(world.cluster.topicsChanged == topics)
    }
}
