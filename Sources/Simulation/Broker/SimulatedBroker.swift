package import Networking
package import Primitives
internal import Server
internal import Synchronization

/// The machine of a broker: a disk that outlives what happens to it, and, while it runs, the
/// shipping server code in a process of its own.
///
/// States: *down*, with what is on the disk; *up*. Inputs: `start`; `crash`, with or without power;
/// `stop`, the clean way; what goes wrong with the disk. A start may itself end in a loss of power,
/// where the disk's faults say so, or fail for want of room. Where a broker on a failed disk gives
/// up, `hasEnded` says so.
package final class SimulatedBroker {
    private struct Run {
        let disk: SimulatedDisk
        let background: SimulatedBackground
        let network: SimulatedNetwork
        /// The broker wants to be stopped: it cannot go on.
        let gaveUp = Flag()
        /// Syncs were made to fail: its directories may be offline.
        let hadFailingSyncs = Flag()
        /// nil while it starts.
        var broker: Broker?
    }
    private enum State {
        case down(DiskState)
        case up(Run)
    }

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }

    /// What goes wrong with the disk, from one start to the next.
    private struct Trouble {
        /// Bytes that all files together may have.
        var capacity: Int?
        /// One sync in so many fails.
        var failingSyncs: Int?
        /// Jobs that touch the disk take their time.
        var isSlow = false
    }

    /// What is to be had of it, beyond the ordinary.
    package struct Settings: Sendable {
        package var overrides: [String] = []
        package var loops = 2
        package var sabotage = Sabotage.none
        package init() {}
    }

    package static let endpoint = Endpoint(host: "broker", port: 9092)

    private let agenda: Agenda
    private let fabric: Fabric
    private let judge: Judge
    private let settings: Settings
    private let configuration: BrokerConfiguration
    private let seed: UInt64
    private let trace: (any LogSink)?
    private var state = State.down(DiskState())
    private var trouble = Trouble()
    private var starts: UInt64 = 0
    /// It is on the way from up to down: neither to be crashed nor to be stopped by what happens
    /// meanwhile.
    package private(set) var isStopping = false

    package init(
        fabric: Fabric, judge: Judge, settings: Settings, seed: UInt64, trace: (any LogSink)?
    ) throws(Violation) {
        agenda = fabric.agenda
        self.fabric = fabric
        self.judge = judge
        self.settings = settings
        self.seed = seed
        self.trace = trace
        let overrides = [
            "listeners=PLAINTEXT://broker:9092", "log.dirs=/data", "node.id=1",
            "auto.create.topics.enable=false", "log.retention.ms=-1",
            "log.segment.delete.delay.ms=1000", "offsets.topic.num.partitions=3",
            "group.initial.rebalance.delay.ms=300",
            "group.consumer.min.session.timeout.ms=1000",
            "group.consumer.session.timeout.ms=8000",
            "group.consumer.min.heartbeat.interval.ms=100",
            "group.consumer.heartbeat.interval.ms=1000",
        ]
        let command = DaemonCommandLine(.brokerd, files: SimulatedDisk(), hostName: "broker")
        let words = (overrides + settings.overrides).flatMap { ["--override", $0] }
        guard case .run(let configuration, _) = command.parse(words) else {
            throw Violation("the settings are refused: \(words)")
        }
        self.configuration = configuration
    }

    package var isUp: Bool {
        if case .up = state { return true }
        return false
    }

    /// The power has failed, or the broker has given up: only `crash` or `stop` goes on from here.
    package var hasEnded: Bool {
        if case .up(let run) = state { return run.disk.isOff || run.gaveUp.isSet }
        return false
    }

    package var hasLostPower: Bool {
        if case .up(let run) = state { return run.disk.isOff }
        return false
    }

    // MARK: Trouble with the disk

    /// Changes of the disk that are made before its power fails; nil for any number.
    package func losePower(afterChanges count: Int) {
        guard case .up(let run) = state else { return }
        run.disk.faults.powerLoss = run.disk.state.changeCount + count
    }

    /// From here on there is room for so many bytes more.
    package func fill(spare bytes: Int) {
        trouble.capacity = content.usedBytes + bytes
        makeTrouble()
    }

    /// From here on one sync in so many fails.
    package func failSyncs(oneIn interval: Int) {
        trouble.failingSyncs = interval
        makeTrouble()
    }

    package func slowDown() {
        trouble.isSlow = true
        makeTrouble()
    }

    /// Nothing goes wrong with the disk any more, but for what it has forgotten.
    package func repair() {
        trouble = Trouble()
        if case .up(let run) = state { run.disk.faults.powerLoss = nil }
        makeTrouble()
    }

    /// A sync has failed: what is seen is no longer what the next start of the machine will see. No
    /// process is to be started on it before that.
    package var hasForgotten: Bool { content.hasForgotten }

    /// Syncs have failed while this process ran: it has to be started anew.
    package var mayBeOffline: Bool {
        if case .up(let run) = state { return run.hadFailingSyncs.isSet }
        return false
    }

    private var content: DiskState {
        switch state {
        case .down(let content): content
        case .up(let run): run.disk.state
        }
    }

    /// Changes what is on the disk, while it is down.
    package func edit(_ change: (inout DiskState) -> Void) {
        guard case .down(var content) = state else { return }
        change(&content)
        state = .down(content)
    }

    private func makeTrouble() {
        guard case .up(let run) = state else { return }
        run.disk.faults.capacity = trouble.capacity
        run.disk.faults.failingSyncs = trouble.failingSyncs
        if trouble.failingSyncs != nil { run.hadFailingSyncs.set() }
        run.background.isSlow = trouble.isSlow
    }

    // MARK: Starting and stopping

    /// Starts the broker on its disk. Does nothing while it is up.
    ///
    /// - Parameter powerLoss: after so many changes of the disk the power fails, perhaps within the
    ///   start.
    package func start(powerLoss: Int? = nil) {
        guard case .down(let content) = state else { return }
        precondition(!content.hasForgotten, "a process on a machine that has to be started anew")
        starts += 1
        judge.brokerStarts()
        let run = prepare(content)
        if let powerLoss { run.disk.faults.powerLoss = content.changeCount + powerLoss }
        fabric.isDark = false
        state = .up(run)
        makeTrouble()
        let world = World(
            clock: agenda.clock, random: SeededRandomSource(seed: seed &* 31 &+ starts),
            files: run.disk, background: run.background, log: trace ?? SilentLog())
        do throws(StartError) {
            var started = run
            started.broker = try Broker.start(
                configuration, world: world, network: settings.sabotage.wrapped(run.network)
            ) { [judge] reason in
                let isExcused = run.disk.isOff || run.hadFailingSyncs.isSet
                judge.require(isExcused, "the broker gives up: \(reason)")
                run.gaveUp.set()
            }
            run.disk.endLies()
            state = .up(started)
            trace?(.info, "broker is up, start \(starts)")
        } catch {
            if run.disk.isOff { return }
            judge.require(mayFail(run), "the broker does not start: \(error)")
            trace?(.info, "broker does not start: \(error)")
            run.network.die(isSilent: false)
            end(run, with: run.disk.state.after(.processDeath))
        }
    }

    private func prepare(_ content: DiskState) -> Run {
        let disk = SimulatedDisk(
            content, seed: seed &+ starts, defects: settings.sabotage.disk, clock: agenda.clock,
            trace: trace)
        let lifetime = Lifetime { !disk.isOff }
        let background = SimulatedBackground(agenda: agenda, lifetime: lifetime)
        let network = SimulatedNetwork(
            fabric: fabric, host: Self.endpoint.host, lifetime: lifetime, loops: settings.loops,
            seed: seed &+ starts, defects: settings.sabotage.loops,
            isSettled: { background.isIdle })
        return Run(disk: disk, background: background, network: network)
    }

    /// A start or a clean stop may not succeed on such a disk.
    private func mayFail(_ run: Run) -> Bool {
        trouble.capacity != nil || run.hadFailingSyncs.isSet
    }

    private func end(_ run: Run, with content: DiskState) {
        run.disk.release()
        end(with: content)
    }

    private func end(with content: DiskState) {
        var content = content
        settings.sabotage.change(&content, agenda: agenda)
        state = .down(content)
    }

    /// The process ends where it stands. `survival` says what is on the disk then; anything but
    /// the process's death is a loss of power.
    package func crash(_ survival: Survival) {
        judge.brokerHasStopped(cleanly: false)
        guard case .up(let run) = state else {
            if survival != .processDeath { end(with: content.after(survival)) }
            return
        }
        let isSilent = survival != .processDeath || run.disk.isOff
        run.network.die(isSilent: isSilent)
        fabric.isDark = isSilent
        let before = run.disk.state
        var after = before.after(survival)
        if settings.sabotage.disk.contains(.segmentReadsLieAfterLoss) {
            after.lie(as: before, about: before.dataLogs)
        }
        end(run, with: after)
        trace?(.info, "broker crashed: \(survival)")
    }

    /// The end of a run: whatever the process had goes with it.
    func abandon() {
        guard case .up(let run) = state else { return }
        run.network.die(isSilent: true)
        run.disk.release()
        state = .down(DiskState())
    }

    /// Stops the broker cleanly, which lets happen what has to until it has stopped. Where the power
    /// fails meanwhile, `crash` goes on.
    package func stop() {
        guard case .up(let run) = state, let broker = run.broker else { return }
        isStopping = true
        judge.brokerStops()
        let isClean = broker.stop()
        isStopping = false
        if run.disk.isOff { return }
        judge.brokerHasStopped(cleanly: isClean)
        judge.require(isClean || mayFail(run), "the broker does not stop cleanly")
        run.network.die(isSilent: false)
        end(run, with: run.disk.state.after(.processDeath))
        trace?(.info, "broker stopped")
    }
}
