import Primitives
import RecordFormat
import WireProtocol

@testable import Simulation

/// One broker, one topic, and whatever clients a scenario wants. Nothing goes wrong but what the
/// scenario does.
final class FieldScene {
    /// How a broker goes down and comes back.
    enum Restart: CaseIterable {
        case cleanStop, processDeath, powerLoss
    }

    static let topicName = "field"

    let scene: BrokerScene
    let topic: SimulatedTopic
    let group: GroupHistory
    private let caller: Caller
    private var ends: [() -> Void] = []

    /// What is acknowledged here survives a loss of power.
    init(seed: UInt64 = 1, partitions: Int = 1) throws {
        var settings = SimulatedBroker.Settings()
        settings.overrides = ["log.acknowledge.after.flush=true"]
        scene = try BrokerScene(seed: seed, settings: settings)
        topic = SimulatedTopic(
            Self.topicName, partitions: partitions, survivesPowerLoss: true,
            segmentBytes: 1 << 20, judge: scene.judge)
        group = GroupHistory(
            "field-group", of: [topic], survivesPowerLoss: true, judge: scene.judge)
        let admin = TopicAdmin(
            [topic], network: scene.clients, judge: scene.judge, clock: scene.agenda.clock,
            seed: seed)
        caller = Caller(scene)
        scene.fabric.weather = .calm
        scene.broker.start()
        scene.onLoop { [caller] in
            admin.start()
            caller.start()
        }
        try scene.within(10_000, "the topic is made") { admin.isReady }
        admin.stop()
        ends.append { [caller] in caller.link.stop() }
    }

    deinit { for end in ends { end() } }

    var histories: [PartitionHistory] { topic.histories }

    // MARK: The broker

    func goDown(_ how: Restart) {
        switch how {
        case .cleanStop: scene.broker.stop()
        case .processDeath: scene.broker.crash(.processDeath)
        case .powerLoss:
            scene.broker.crash(.nothing)
            for history in histories { history.powerLost() }
            group.powerLost()
        }
    }

    func restart(_ how: Restart, after milliseconds: Int64 = 50) throws {
        goDown(how)
        try scene.pass(milliseconds: milliseconds)
        scene.broker.start()
    }

    // MARK: Clients

    func start(_ members: [any GroupMember]) {
        ends.append { for member in members { member.stop() } }
        scene.onLoop { for member in members { member.start() } }
    }

    func start(_ consumer: SimulatedConsumer) {
        ends.append { consumer.stop() }
        scene.onLoop { consumer.start() }
    }

    func start(_ producer: SimulatedProducer) {
        ends.append { producer.stop() }
        scene.onLoop { producer.start() }
    }

    /// - Parameter atOnce: they come back as soon as they have a connection.
    func classicMembers(
        _ count: Int, session: Int32 = 6000, atOnce: Bool = false
    ) -> [ClassicMember] {
        (0..<count).map { number in
            var settings = ClassicMember.Settings()
            settings.hasWhims = false
            settings.commitPercent = 100
            settings.sessionMilliseconds = session
            if atOnce { settings.returnMilliseconds = 1 }
            return ClassicMember(
                "member-\(number)", of: group, settings: settings, network: scene.clients,
                judge: scene.judge, seed: UInt64(number))
        }
    }

    func consumerMembers(_ count: Int, atOnce: Bool = false) -> [ConsumerMember] {
        (0..<count).map { number in
            var settings = ConsumerMember.Settings()
            settings.hasWhims = false
            settings.commitPercent = 100
            if atOnce { settings.returnMilliseconds = 1 }
            return ConsumerMember(
                "member-\(number)", of: group, settings: settings, network: scene.clients,
                judge: scene.judge, seed: UInt64(number))
        }
    }

    func producer(depth: Int = 1, pace: ClosedRange<Int64> = 20...100) -> SimulatedProducer {
        var settings = SimulatedProducer.Settings()
        settings.isIdempotent = true
        settings.depth = depth
        settings.pace = pace
        return SimulatedProducer(
            0, of: topic, partition: 0, settings: settings, network: scene.clients,
            judge: scene.judge, clock: scene.agenda.clock, seed: 1)
    }

    func consumer(waiting milliseconds: Int32) -> SimulatedConsumer {
        var settings = SimulatedConsumer.Settings()
        settings.maxWaitMilliseconds = milliseconds
        settings.thinkTime = 0...1
        return SimulatedConsumer(
            "consumer", of: topic, settings: settings, network: scene.clients,
            judge: scene.judge, seed: 1)
    }

    /// Reads a batch at a time, and slower than any producer writes.
    func laggard() -> SimulatedConsumer {
        var settings = SimulatedConsumer.Settings()
        settings.partitionMaxBytes = 1
        settings.thinkTime = 200...300
        return SimulatedConsumer(
            "laggard", of: topic, settings: settings, network: scene.clients, judge: scene.judge,
            seed: 2)
    }

    // MARK: Single calls

    /// The answer, once there is a connection; nil where the connection was lost instead.
    func call<Request: RequestMessage>(
        _ request: Request, version: Int16
    ) throws -> Request.Response? {
        try scene.within(30_000, "the caller has a connection") { caller.link.isOpen }
        let answer = Box<Request.Response>()
        scene.onLoop { [link = caller.link] in
            link.call(request, version: version, patience: 20_000) { answer.settle($0) }
        }
        try scene.within(30_000, "\(Request.apiKey) is answered") { answer.isSettled }
        return answer.value
    }

    /// Sends a request, whatever becomes of it.
    func send<Request: RequestMessage>(_ request: Request, version: Int16) {
        scene.onLoop { [link = caller.link] in
            link.call(request, version: version, patience: 20_000) { _ in }
        }
    }

    /// As often as connections are lost meanwhile.
    func insist<Answer>(_ ask: () throws -> Answer?) throws -> Answer {
        for _ in 0..<20 {
            if let answer = try ask() { return answer }
        }
        throw Violation("no answer to any of 20 requests")
    }

    /// Asks over and over, with time between.
    func until(_ what: @autoclosure () -> String, _ isSo: () throws -> Bool) throws {
        for _ in 0..<200 {
            if try isSo() { return }
            try scene.pass(milliseconds: 50)
        }
        throw Violation("not after 200 requests: \(what())")
    }

    /// Ends the connection of `call`: the next one goes over another.
    func hangUp() throws {
        scene.onLoop { [link = caller.link] in link.drop("the caller hangs up") }
        try scene.within(5000, "the caller has hung up") { !caller.link.isOpen }
    }

}

/// Makes single calls.
///
/// `@unchecked Sendable`: one thread runs the scene.
private final class Caller: LinkOwner, @unchecked Sendable {
    let link: ClientLink
    init(_ scene: BrokerScene) {
        link = ClientLink("caller", network: scene.clients, judge: scene.judge)
    }
    func start() { link.start(for: self) }
    func linkOpened() {}
    func linkLost() {}
}

/// `@unchecked Sendable`: one thread runs the scene.
private final class Box<Value>: @unchecked Sendable {
    private(set) var isSettled = false
    private(set) var value: Value?

    func settle(_ result: Result<Value, LinkLost>) {
        isSettled = true
        if case .success(let value) = result { self.value = value }
    }
}
