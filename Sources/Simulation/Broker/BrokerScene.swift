internal import Networking
internal import Primitives

/// A broker on its machine, the network of its clients, and the time they share: what a run or a
/// named scenario drives. Used by one thread; time passes in `drive` and what is made of it.
package final class BrokerScene {
    package let agenda: Agenda
    package let fabric: Fabric
    package let judge: Judge
    package let broker: SimulatedBroker
    let clients: SimulatedNetwork
    let trace: (any LogSink)?
    /// What is done where the broker has come to an end by itself, and while time passes.
    var brokerEnded: () -> Void = {}

    /// - Parameter trace: gets a line for each thing that happens, with its time.
    package init(
        seed: UInt64, settings: SimulatedBroker.Settings,
        trace: (@Sendable (String) -> Void)? = nil
    ) throws(Violation) {
        var random = SeededRandom(seed: seed)
        agenda = Agenda(seed: random.next())
        let clock = agenda.clock
        let sink = trace.map { show in
            TraceLog { line in
                let time = clock.monotonic().nanoseconds / 1000 - 1_000_000
                show("\(time) µs \(line)")
            }
        }
        self.trace = sink
        fabric = Fabric(agenda: agenda)
        judge = Judge(clock: clock, trace: sink)
        broker = try SimulatedBroker(
            fabric: fabric, judge: judge, settings: settings, seed: random.next(), trace: sink)
        clients = SimulatedNetwork(
            fabric: fabric, host: "client", lifetime: Lifetime(), loops: 1, seed: random.next())
    }

    /// Everyone knows everyone: without an end nobody would go.
    deinit {
        broker.abandon()
        clients.die(isSilent: true)
        agenda.abandon()
        fabric.abandon()
    }

    /// Runs `body` on the clients' loop.
    func onLoop(_ body: @escaping @Sendable () -> Void) { clients.loops[0].execute(body) }

    // MARK: Time

    /// Lets happen what does until `limit`, or until `isDone`. Throws the first thing that was
    /// illegal.
    func drive(until limit: MonotonicTime, or isDone: () -> Bool = { false }) throws(Violation) {
        agenda.run(until: limit) {
            if broker.hasEnded { brokerEnded() }
            return judge.violation != nil || isDone()
        }
        if let violation = judge.violation { throw Violation(violation) }
    }

    package func pass(milliseconds: Int64) throws(Violation) {
        try drive(until: agenda.now.adding(milliseconds: milliseconds))
    }

    /// Lets happen what does until `isDone`, which it has to be within so many milliseconds.
    package func within(
        _ milliseconds: Int64, _ what: @autoclosure () -> String, _ isDone: () -> Bool
    ) throws(Violation) {
        try drive(until: agenda.now.adding(milliseconds: milliseconds), or: isDone)
        if isDone() { return }
        judge.accuse("not within \(milliseconds) ms: \(what())")
        if let violation = judge.violation { throw Violation(violation) }
    }

    // MARK: Audit

    /// Compares a reading of all that a topic has with all that was promised.
    func audit(_ topic: SimulatedTopic, as name: String, within limit: Int64) throws(Violation) {
        var settings = SimulatedConsumer.Settings()
        settings.thinkTime = 0...1
        let auditor = SimulatedConsumer(
            name, of: topic, settings: settings, keepsRecords: true, network: clients,
            judge: judge, seed: 1)
        onLoop { auditor.start() }
        try within(limit, "\(topic.name) is read") { auditor.isAtEnd }
        auditor.stop()
        for (history, reading) in zip(topic.histories, auditor.readings) {
            history.audit(reading.log)
        }
        if let violation = judge.violation { throw Violation(violation) }
    }
}
