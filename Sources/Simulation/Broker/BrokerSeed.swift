internal import Networking
internal import Primitives

/// A run of the server and its clients, faults and all, from one number.
///
/// Phases: the broker starts and topics are made; clients work while things go wrong, as the seed
/// has it; things go well again, and everyone has to get on; producers end, consumers reach the
/// end; an audit reads all there is and compares it with all that was promised, once more behind a
/// clean stop. The first thing that is illegal ends the run.
package final class BrokerSeed {
    /// What a run was like.
    package struct Outcome: Sendable {
        package let simulatedMilliseconds: Int64
        /// Equal for equal runs.
        package let fingerprint: UInt64
        package let steps: Int
        /// Batches that were acknowledged, or sent where no acknowledgement is asked for.
        package let batches: Int
    }

    private let agenda: Agenda
    private let fabric: Fabric
    private let judge: Judge
    private let broker: SimulatedBroker
    private let clients: SimulatedNetwork
    private let population: Population
    private let plan: FaultPlan
    private let trace: (any LogSink)?
    private var random: SeededRandom
    private var auditors = 0
    /// No more faults.
    private var isHealed = false

    /// Milliseconds within which everyone has to get on when nothing goes wrong any more.
    private static let healing: Int64 = 90_000

    /// - Parameter trace: gets a line for each thing that happens, with its time.
    package init(
        seed: UInt64, sabotage: Sabotage = .none, trace: (@Sendable (String) -> Void)? = nil
    ) throws(Violation) {
        random = SeededRandom(seed: seed)
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
        var settings = SimulatedBroker.Settings()
        settings.sabotage = sabotage
        settings.loops = 1 + random.below(3)
        let keepsCommits = random.chance(2)
        settings.overrides = ["log.acknowledge.after.flush=\(keepsCommits)"]
        broker = try SimulatedBroker(
            fabric: fabric, judge: judge, settings: settings, seed: random.next(), trace: sink)
        clients = SimulatedNetwork(
            fabric: fabric, host: "client", lifetime: Lifetime(), loops: 1, seed: random.next())
        population = Population(
            network: clients, judge: judge, clock: clock, keepsCommits: keepsCommits,
            random: &random)
        plan = FaultPlan(&random)
    }

    /// Throws the first thing that was illegal.
    package func run() throws(Violation) -> Outcome {
        let start = agenda.now
        defer { population.stop() }
        try begin()
        try suffer()
        try heal()
        try audit()
        broker.stop()
        broker.start()
        try audit()
        return Outcome(
            simulatedMilliseconds: agenda.now.milliseconds(since: start),
            fingerprint: agenda.fingerprint, steps: agenda.stepCount,
            batches: population.producers.reduce(0) { $0 + $1.settledCount })
    }

    // MARK: Phases

    private func begin() throws(Violation) {
        broker.start()
        onLoop { [admin = population.admin] in admin.start() }
        try within(Self.healing, "the topics are made") { population.admin.isReady }
        let (producers, consumers) = (population.producers, population.consumers)
        onLoop { [members = population.members] in
            for member in members { member.start() }
            for producer in producers { producer.start() }
            for consumer in consumers { consumer.start() }
        }
    }

    private func suffer() throws(Violation) {
        fabric.weather = Weather()
        let end = agenda.now.adding(milliseconds: plan.duration)
        while agenda.now < end {
            let pause = plan.pace.lowerBound + Int64(random.below(plan.pace.count))
            try drive(until: min(end, agenda.now.adding(milliseconds: pause)))
            if agenda.now < end, let fault = plan.next(&random) { commit(fault) }
        }
    }

    private func heal() throws(Violation) {
        isHealed = true
        fabric.weather = .calm
        broker.repair()
        broker.start()
        trace?(.info, "everything is well again")
        let before = population.producers.map(\.settledCount)
        let answers = population.consumers.map(\.answerCount)
        for member in population.members { member.settleDown() }
        try within(Self.healing, "every client gets on") {
            zip(population.producers, before).allSatisfy { $0.settledCount > $1 }
                && zip(population.consumers, answers).allSatisfy { $0.answerCount > $1 }
        }
        for producer in population.producers { producer.finish() }
        try within(Self.healing, "producers settle what they made") {
            population.producers.allSatisfy(\.isSettled)
        }
        for consumer in population.consumers {
            try within(Self.healing, "\(consumer.name) reaches the end, is at \(consumer.standing)")
            { consumer.isAtEnd }
        }
        try settleGroup()
    }

    /// Members agree on a generation, and read and commit their shares to the end.
    private func settleGroup() throws(Violation) {
        let members = population.members
        guard let first = members.first else { return }
        let standing = { members.map(\.standing).joined(separator: "; ") }
        try within(Self.healing, "the group settles: \(standing())") {
            members.allSatisfy { $0.isAtEnd && $0.generation == first.generation }
        }
        let owned = members.flatMap { $0.shares.map(\.partition) }.sorted()
        judge.require(
            owned == first.topic.histories.indices.map { Int32($0) },
            "the members of the group own \(owned)")
        try throwViolation()
    }

    private func audit() throws(Violation) {
        for topic in population.topics {
            auditors += 1
            var settings = SimulatedConsumer.Settings()
            settings.thinkTime = 0...1
            let auditor = SimulatedConsumer(
                "auditor-\(auditors)", of: topic, settings: settings, keepsRecords: true,
                network: clients, judge: judge, seed: random.next())
            onLoop { auditor.start() }
            try within(Self.healing, "\(topic.name) is read") { auditor.isAtEnd }
            auditor.stop()
            for (history, reading) in zip(topic.histories, auditor.readings) {
                history.audit(reading.records)
            }
            try throwViolation()
        }
    }

    // MARK: Faults

    private func commit(_ fault: FaultPlan.Fault) {
        trace?(.info, "fault: \(fault)")
        switch fault {
        case .cutLink:
            fabric.cutOne(notices: [.both, .both, .client, .server, []][random.below(5)])
        case .processDeath:
            broker.crash(.processDeath)
            startLater()
        case .powerLoss:
            broker.losePower(afterChanges: 1 + random.below([3, 30, 300][random.below(3)]))
        case .restart:
            broker.stop()
            if broker.isUp { return }
            startLater()
        case .clockJump:
            let hours = Int64(random.below(5)) - 2
            agenda.clock.jump(milliseconds: hours * 3_600_000 + Int64(random.below(60_000)))
        case .weather:
            var weather = Weather()
            weather.delayedPercent = [0, 2, 30][random.below(3)]
            weather.slowReaderPercent = [0, 10, 60][random.below(3)]
            fabric.weather = weather
        }
    }

    private func startLater() {
        let pause = Int64(random.below([50, 1000, 8000][random.below(3)]))
        // Now and then the power fails while it starts.
        let powerLoss = random.chance(6) ? 1 + random.below(150) : nil
        trace?(.info, "the broker starts in \(pause) ms")
        later(pause) { seed in
            if !seed.broker.isUp { seed.broker.start(powerLoss: seed.isHealed ? nil : powerLoss) }
        }
    }

    private func powerLost() {
        broker.crash([.nothing, .everything, .random(seed: random.next())][random.below(3)])
        for history in population.topics.flatMap(\.histories) { history.powerLost() }
        population.group.powerLost()
        startLater()
    }

    // MARK: Driving

    /// What is put on the agenda by a run acts while the run exists.
    private final class Reference: @unchecked Sendable {
        // The agenda runs on the run's own thread.
        weak var seed: BrokerSeed?
        init(_ seed: BrokerSeed) { self.seed = seed }
    }

    private func later(_ milliseconds: Int64, _ body: @escaping @Sendable (BrokerSeed) -> Void) {
        let reference = Reference(self)
        agenda.after(milliseconds: milliseconds) {
            if let seed = reference.seed { body(seed) }
        }
    }

    private func onLoop(_ body: @escaping @Sendable () -> Void) {
        clients.loops[0].execute(body)
    }

    private func drive(until limit: MonotonicTime, or isDone: () -> Bool = { false })
        throws(Violation)
    {
        agenda.run(until: limit) {
            if broker.hasLostPower { powerLost() }
            return judge.violation != nil || isDone()
        }
        try throwViolation()
    }

    private func within(
        _ milliseconds: Int64, _ what: @autoclosure () -> String, _ isDone: () -> Bool
    ) throws(Violation) {
        try drive(until: agenda.now.adding(milliseconds: milliseconds), or: isDone)
        if isDone() { return }
        judge.accuse("not within \(milliseconds) ms: \(what())")
        try throwViolation()
    }

    private func throwViolation() throws(Violation) {
        if let violation = judge.violation { throw Violation(violation) }
    }
}
