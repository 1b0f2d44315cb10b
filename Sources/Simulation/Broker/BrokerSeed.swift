internal import Primitives

/// A run of the server and its clients, faults and all, from one number.
///
/// Phases: the broker starts and topics are made; clients work while things go wrong, as the seed
/// has it; things go well again, and everyone has to get on; producers end, consumers reach the
/// end; an audit reads all there is and compares it with all that was promised, once more behind a
/// clean stop, and now and then behind a crash. The first thing that is illegal ends the run.
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

    let scene: BrokerScene
    let population: Population
    private let plan: FaultPlan
    /// Milliseconds from one housekeeping of the broker to the next.
    private let checkInterval: Int64
    var random: SeededRandom
    private var auditors = 0
    /// No more faults.
    private(set) var isHealed = false
    /// Counts the troubles of the disk: what ends an earlier one does not end a later one.
    var diskTroubles = 0

    var broker: SimulatedBroker { scene.broker }

    /// Milliseconds within which everyone has to get on when nothing goes wrong any more.
    private static let healing: Int64 = 90_000

    /// - Parameter trace: gets a line for each thing that happens, with its time.
    package init(
        seed: UInt64, sabotage: Sabotage = .none, trace: (@Sendable (String) -> Void)? = nil
    ) throws(Violation) {
        random = SeededRandom(seed: seed)
        var settings = SimulatedBroker.Settings()
        settings.sabotage = sabotage
        settings.loops = 1 + random.below(3)
        let keepsCommits = random.chance(2)
        checkInterval = [1000, 5000, 60_000][random.below(3)]
        settings.overrides = [
            "log.acknowledge.after.flush=\(keepsCommits)",
            "log.retention.check.interval.ms=\(checkInterval)",
        ]
        scene = try BrokerScene(seed: random.next(), settings: settings, trace: trace)
        population = Population(scene: scene, keepsCommits: keepsCommits, random: &random)
        plan = FaultPlan(&random)
    }

    /// Throws the first thing that was illegal.
    package func run() throws(Violation) -> Outcome {
        let start = scene.agenda.now
        let reference = SeedReference(self)
        scene.brokerEnded = { reference.seed?.brokerEnded() }
        defer { population.stop() }
        try begin()
        try suffer()
        try heal()
        try audit()
        broker.stop()
        keepStarts()
        broker.start()
        try audit()
        if checkInterval <= 5000, random.chance(2) { try auditBehindCrash() }
        return Outcome(
            simulatedMilliseconds: scene.agenda.now.milliseconds(since: start),
            fingerprint: scene.agenda.fingerprint, steps: scene.agenda.stepCount,
            batches: population.producers.reduce(0) { $0 + $1.settledCount })
    }

    // MARK: Phases

    private func begin() throws(Violation) {
        broker.start()
        scene.onLoop { [admin = population.admin] in admin.start() }
        try scene.within(Self.healing, "the topics are made") { population.admin.isReady }
        let (producers, consumers) = (population.producers, population.consumers)
        scene.onLoop { [members = population.members] in
            for member in members { member.start() }
            for producer in producers { producer.start() }
            for consumer in consumers { consumer.start() }
        }
    }

    private func suffer() throws(Violation) {
        scene.fabric.weather = Weather()
        let agenda = scene.agenda
        let end = agenda.now.adding(milliseconds: plan.duration)
        while agenda.now < end {
            let pause = plan.pace.lowerBound + Int64(random.below(plan.pace.count))
            try scene.drive(until: min(end, agenda.now.adding(milliseconds: pause)))
            if agenda.now < end, let fault = plan.next(&random) { commit(fault) }
        }
    }

    private func heal() throws(Violation) {
        isHealed = true
        scene.fabric.weather = .calm
        repair()
        broker.start()
        scene.judge.allIsWell()
        scene.trace?(.info, "everything is well again")
        let before = population.producers.map(\.settledCount)
        let answers = population.consumers.map(\.answerCount)
        let turns = population.admin.turnCount
        population.admin.settleDown()
        for member in population.members { member.settleDown() }
        try scene.within(Self.healing, "every client gets on") {
            population.admin.turnCount > turns + 1
                && zip(population.producers, before).allSatisfy { $0.settledCount > $1 }
                && zip(population.consumers, answers).allSatisfy { $0.answerCount > $1 }
        }
        for producer in population.producers { producer.finish() }
        for consumer in population.consumers { consumer.hurry() }
        try scene.within(Self.healing, "producers settle what they made") {
            population.producers.allSatisfy(\.isSettled)
        }
        for consumer in population.consumers {
            try scene.within(
                Self.healing, "\(consumer.name) reaches the end, is at \(consumer.standing)"
            ) { consumer.isAtEnd }
        }
        for group in population.groups { try settle(group) }
    }

    private func settle(_ group: GroupHistory) throws(Violation) {
        let members = population.members.filter { $0.group === group }
        if members.isEmpty { return }
        let standing = { members.map(\.standing).joined(separator: "; ") }
        try scene.within(Self.healing, "group \(group.name) settles: \(standing())") {
            group.isSettled(members)
        }
    }

    /// What nobody has touched for a while is on the disk, where logs begin as well.
    private func auditBehindCrash() throws(Violation) {
        try scene.pass(milliseconds: 2 * checkInterval)
        keepStarts()
        if random.chance(2) { losePower() } else { broker.crash(.processDeath) }
        broker.start()
        try audit()
    }

    /// Where logs are known to begin is on the disk.
    func keepStarts() {
        for history in population.topics.flatMap(\.histories) { history.startIsKept() }
    }

    private func audit() throws(Violation) {
        for topic in population.topics {
            auditors += 1
            try scene.audit(topic, as: "auditor-\(auditors)", within: Self.healing)
        }
    }
}

/// What is put on the agenda by a run acts while the run exists.
///
/// `@unchecked Sendable`: the agenda runs on the run's own thread.
final class SeedReference: @unchecked Sendable {
    weak var seed: BrokerSeed?
    init(_ seed: BrokerSeed) { self.seed = seed }
}
