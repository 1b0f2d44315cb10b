internal import Coordination
internal import Networking
internal import Primitives
internal import Synchronization
internal import WireProtocol

/// The groups that this broker coordinates: those whose partition of `__consumer_offsets` it leads.
///
/// Callable from any thread. A group's requests go to the driver of its partition; which drivers
/// there are follows from the metadata, by `apply`.
final class GroupCoordinator: Sendable {
    private struct State {
        var drivers: [Int32: ShardDriver] = [:]
        /// What `apply` saw last.
        var image: MetadataImage?

        /// In the order of their partitions, so that a run can be repeated.
        var inOrder: [ShardDriver] { drivers.keys.sorted().compactMap { drivers[$0] } }
    }
    private let state = Mutex(State())
    private let view: CurrentView
    private let loops: [any EventLoop]
    private let world: World
    private let settings: GroupSettings
    private let topic: OffsetsTopic

    init(
        view: CurrentView, loops: [any EventLoop], world: World, settings: GroupSettings,
        topic: OffsetsTopic
    ) {
        self.view = view
        self.loops = loops
        self.world = world
        self.settings = settings
        self.topic = topic
    }

    /// Brings the drivers in line with the view: takes up partitions that are led here now, lets go
    /// of those that are not, and forgets offsets of topics that are gone. By one thread at a time,
    /// after each new view.
    func apply() {
        let now = view.now
        let (resigning, starting, others, deleted, isNew) = state.withLock { state in
            let led = now.partitions(of: OffsetsTopic.name)
            let leaving = state.drivers.keys.sorted().filter { index in
                !led.indices.contains(Int(index))
                    || led[Int(index)] !== state.drivers[index]?.partition
            }
            let resigning = leaving.compactMap { state.drivers.removeValue(forKey: $0) }
            let others = state.inOrder
            var starting: [ShardDriver] = []
            for (index, partition) in led.enumerated() {
                guard let partition, state.drivers[Int32(index)] == nil else { continue }
                let driver = ShardDriver(
                    partition: partition, loop: loops[index % loops.count], settings: settings,
                    topic: topic, world: world)
                state.drivers[Int32(index)] = driver
                starting.append(driver)
            }
            let before = state.image.map { Array($0.topicsByName) } ?? []
            let deleted = before.filter { now.image.topic($0.id) == nil }.map(\.name)
            let isNew =
                state.image?.topicsChanged != now.image.topicsChanged
                || state.image?.groupSettingsChanged != now.image.groupSettingsChanged
            state.image = now.image
            return (resigning, starting, others, deleted, isNew)
        }
        for driver in resigning { driver.resign() }
        for driver in starting {
            driver.see(now.image)
            driver.start()
        }
        if isNew { for driver in others { driver.see(now.image) } }
        if !deleted.isEmpty { for driver in others { driver.topicsDeleted(deleted) } }
    }

    /// Sends everyone who waits away: the broker stops.
    func stop() {
        let drivers = state.withLock { state in
            defer { state.drivers = [:] }
            return state.inOrder
        }
        for driver in drivers { driver.resign() }
    }

    /// The leader of the group's partition, which coordinates the group; nil while the topic does
    /// not exist.
    func coordinator(of group: String, in image: MetadataImage) -> BrokerID? {
        guard let topic = image.topic(named: OffsetsTopic.name) else { return nil }
        let index = OffsetsTopic.partition(of: group, count: topic.partitions.count)
        return topic.partitions[Int(index)].leader
    }

    private func driver(of group: String) throws(Refusal) -> ShardDriver {
        guard let topic = view.now.image.topic(named: OffsetsTopic.name) else {
            throw Refusal(.coordinatorNotAvailable, "\(OffsetsTopic.name) does not exist yet")
        }
        let index = OffsetsTopic.partition(of: group, count: topic.partitions.count)
        guard let driver = state.withLock({ $0.drivers[index] }) else {
            throw Refusal(.notCoordinator, "group '\(group)' is coordinated by another broker")
        }
        return driver
    }
}

// MARK: Requests

extension GroupCoordinator {
    /// A step that answers with some part of `GroupAnswer`.
    typealias Step = @Sendable (inout GroupShard, GroupCall) -> [GroupEffect]

    /// Takes a step in the group's shard. `answer` gets what the step answers, or why there is none,
    /// on whichever thread.
    ///
    /// - Precondition: the step answers with an `Answer`.
    func submit<Answer: Sendable, Response>(
        _ group: String, for call: Call<Response>, _ step: @escaping Step,
        answer: @escaping @Sendable (Result<Answer, Refusal>) -> Void
    ) {
        do throws(Refusal) {
            submit(to: try driver(of: group), for: call, step, answer: answer)
        } catch {
            answer(.failure(error))
        }
    }

    /// Takes a step in every shard of this broker. `answer` gets all answers at once.
    func submitToAll<Answer: Sendable, Response>(
        for call: Call<Response>, _ step: @escaping Step,
        answer: @escaping @Sendable ([Result<Answer, Refusal>]) -> Void
    ) {
        let drivers = state.withLock { $0.inOrder }
        let gathered = Gathered(drivers.count, then: answer)
        for (index, driver) in drivers.enumerated() {
            submit(to: driver, for: call, step) { gathered.put($0, at: index) }
        }
    }

    /// Gives `body` the groups of every shard that is loaded, shard by shard in order, on whichever
    /// thread.
    func overviews(_ body: @escaping @Sendable ([GroupOverview]) -> Void) {
        let drivers = state.withLock { $0.inOrder }
        let gathered = Gathered<[GroupOverview]>(drivers.count) { body($0.flatMap { $0 }) }
        for (index, driver) in drivers.enumerated() {
            driver.look { gathered.put($0.map { [$0] } ?? [], at: index) }
        }
    }

    private func submit<Answer: Sendable, Response>(
        to driver: ShardDriver, for call: Call<Response>, _ step: @escaping Step,
        answer: @escaping @Sendable (Result<Answer, Refusal>) -> Void
    ) {
        let client = GroupClient(
            id: call.head.clientID ?? "", host: "/\(call.connection.peerAddress)")
        driver.submit(version: call.version, client: client, step: step) { result in
            answer(
                result.map { value in
                    guard let content = value.content as? Answer else {
                        preconditionFailure("a step answered with \(value)")
                    }
                    return content
                })
        }
    }
}

/// Results that come one by one, from any thread, handed on when all are there.
final class Gathered<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element?]
        var open: Int
    }
    private let state: Mutex<State>
    private let then: @Sendable ([Element]) -> Void

    /// - Parameter then: called at once when `count` is 0.
    init(_ count: Int, then: @escaping @Sendable ([Element]) -> Void) {
        state = Mutex(State(elements: Array(repeating: nil, count: count), open: count))
        self.then = then
        if count == 0 { then([]) }
    }

    /// - Precondition: once for each index.
    func put(_ element: Element, at index: Int) {
        let all = state.withLock { state -> [Element]? in
            precondition(state.elements[index] == nil, "a result came twice")
            state.elements[index] = element
            state.open -= 1
            return state.open == 0 ? state.elements.compactMap { $0 } : nil
        }
        if let all { then(all) }
    }
}
