internal import Networking
internal import Primitives

/// Counting and showing what was counted, where `metrics.listener` asks for it.
struct MetricsService: Sendable {
    let meters: BrokerMeters
    /// With the port that was taken.
    let listener: Listener
    private let endpoint: MetricsEndpoint

    /// Opens the listener, which says that the broker is starting until `serve`; nil where none is
    /// wanted.
    static func open(
        _ configuration: BrokerConfiguration, world: World, network: any Network
    ) throws(StartError) -> MetricsService? {
        guard let wanted = configuration.metricsListener else { return nil }
        let endpoint = MetricsEndpoint(world: world)
        do throws(NetworkError) {
            let port = try endpoint.listen(on: wanted, network).port
            return MetricsService(
                meters: BrokerMeters(
                    listeners: configuration.listeners.map(\.name), network: network,
                    clock: world.clock),
                listener: Listener(name: wanted.name, host: wanted.host, port: port),
                endpoint: endpoint)
        } catch {
            throw StartError(error)
        }
    }

    /// The broker answers requests from here on.
    func serve(
        node: BrokerID, view: CurrentView, storage: Storage, controller: ControllerDriver,
        groups: GroupCoordinator
    ) {
        endpoint.serve(
            ScrapeSource(
                node: node, meters: meters, view: view, storage: storage, controller: controller,
                groups: groups))
    }

    /// The broker stops: what is asked from here on is told so.
    func stop() { endpoint.stop() }
}
