package import Networking
package import Primitives
internal import Server
internal import Synchronization

/// The machine of a broker: a disk that outlives what happens to it, and, while it runs, the
/// shipping server code in a process of its own.
///
/// States: *down*, with what is on the disk; *up*. Inputs: `start`; `crash`, with or without power;
/// `stop`, the clean way. A start may itself end in a loss of power, where the disk's faults say so.
package final class SimulatedBroker {
    private struct Run {
        let disk: SimulatedDisk
        let background: SimulatedBackground
        let network: SimulatedNetwork
        /// nil while it starts.
        var broker: Broker?
    }
    private enum State {
        case down(DiskState)
        case up(Run)
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
    private var starts: UInt64 = 0
    /// It is on the way from up to down, and is not to be disturbed.
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

    /// The power has failed while it ran: only `crash` goes on from here.
    package var hasLostPower: Bool {
        if case .up(let run) = state { return run.disk.isOff }
        return false
    }

    /// Changes of the disk that are made before its power fails; nil for any number.
    package func losePower(afterChanges count: Int) {
        guard case .up(let run) = state else { return }
        run.disk.faults.powerLoss = run.disk.state.changeCount + count
    }

    /// Nothing goes wrong with the disk any more.
    package func repair() {
        if case .up(let run) = state { run.disk.faults = DiskFaults() }
    }

    // MARK: Starting and stopping

    /// Starts the broker on its disk. Does nothing while it is up.
    ///
    /// - Parameter powerLoss: after so many changes of the disk the power fails, perhaps within the
    ///   start.
    package func start(powerLoss: Int? = nil) {
        guard case .down(let content) = state else { return }
        starts += 1
        let disk = SimulatedDisk(
            content, seed: seed &+ starts, defects: settings.sabotage.disk, clock: agenda.clock,
            trace: trace)
        if let powerLoss { disk.faults.powerLoss = content.changeCount + powerLoss }
        let lifetime = Lifetime { !disk.isOff }
        let background = SimulatedBackground(agenda: agenda, lifetime: lifetime)
        let network = SimulatedNetwork(
            fabric: fabric, host: Self.endpoint.host, lifetime: lifetime, loops: settings.loops,
            seed: seed &+ starts, defects: settings.sabotage.loops,
            isSettled: { background.isIdle })
        let world = World(
            clock: agenda.clock, random: SeededRandomSource(seed: seed &* 31 &+ starts),
            files: disk, background: background, log: trace ?? SilentLog())
        fabric.isDark = false
        state = .up(Run(disk: disk, background: background, network: network))
        do throws(StartError) {
            let broker = try Broker.start(
                configuration, world: world,
                network: settings.sabotage.wrapped(network)
            ) { [judge] reason in
                if !disk.isOff { judge.accuse("the broker gives up: \(reason)") }
            }
            disk.endLies()
            state = .up(Run(disk: disk, background: background, network: network, broker: broker))
            trace?(.info, "broker is up, start \(starts)")
        } catch {
            if !disk.isOff { judge.accuse("the broker does not start: \(error)") }
        }
    }

    /// The process ends where it stands. `survival` says what is on the disk then; anything but
    /// the process's death is a loss of power.
    package func crash(_ survival: Survival) {
        guard case .up(let run) = state else { return }
        let isSilent = survival != .processDeath || run.disk.isOff
        run.network.die(isSilent: isSilent)
        fabric.isDark = isSilent
        let before = run.disk.state
        var after = before.after(survival)
        if settings.sabotage.disk.contains(.readsLieAfterLoss) { after.lie(as: before) }
        settings.sabotage.change(&after, agenda: agenda)
        state = .down(after)
        trace?(.info, "broker crashed: \(survival)")
    }

    /// Stops the broker cleanly, which lets happen what has to until it has stopped. Where the power
    /// fails meanwhile, `crash` goes on.
    package func stop() {
        guard case .up(let run) = state, let broker = run.broker else { return }
        isStopping = true
        let isClean = broker.stop()
        isStopping = false
        if run.disk.isOff { return }
        judge.require(isClean, "the broker does not stop cleanly")
        run.network.die(isSilent: false)
        state = .down(run.disk.state.after(.processDeath))
        trace?(.info, "broker stopped")
    }
}
