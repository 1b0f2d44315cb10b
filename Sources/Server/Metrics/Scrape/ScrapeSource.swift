internal import Coordination
internal import LogCore
internal import Networking
internal import Primitives

/// Where a scrape finds what it shows, once the broker serves.
///
/// No loop does more for it than list its groups: partitions are looked at, and all of it sorted
/// and put in order, on a background thread.
final class ScrapeSource: Sendable {
    let node: BrokerID
    let meters: BrokerMeters
    let storage: Storage
    let controller: ControllerDriver
    private let view: CurrentView
    private let groups: GroupCoordinator
    private var world: World { storage.world }
    /// When the process started, in milliseconds since 1970; fixed, so that it stays the same
    /// however the clock is set.
    let processStart: Int64?

    init(
        node: BrokerID, meters: BrokerMeters, view: CurrentView, storage: Storage,
        controller: ControllerDriver, groups: GroupCoordinator
    ) {
        self.node = node
        self.meters = meters
        self.view = view
        self.storage = storage
        self.controller = controller
        self.groups = groups
        let world = storage.world
        let machineStart = ProcessUsage.machineStart(world.files, now: world.clock.wall())
        let usage = ProcessUsage(world.files)
        processStart = machineStart.flatMap { start in
            usage.map { start + Int64($0.startedHundredths) * 10 }
        }
    }

    /// Whether any log directory can be used.
    var isHealthy: Bool { !storage.directories.allSatisfy(\.isOffline) }

    /// Calls `body` once, from any thread; with nil when too much background work waits.
    func gather(_ body: @escaping @Sendable (Exposition?) -> Void) {
        groups.overviews { [self] overviews in
            let accepted = world.background.submit { [self] in
                body(Exposition(families(overviews)))
            }
            if !accepted { body(nil) }
        }
    }

    /// In the order in which they are shown.
    private func families(_ overviews: [GroupOverview]) -> [MetricFamily] {
        let partitions = PartitionSurvey(view.now, node: node)
        let groups = GroupSurvey(overviews, partitions)
        return stateFamilies(partitions) + requestFamilies()
            + connectionFamilies() + trafficFamilies(partitions) + logFamilies(partitions)
            + groupFamilies(groups) + processFamilies(ProcessUsage(world.files))
    }
}
