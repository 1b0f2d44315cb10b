internal import Coordination
internal import LogCore
package import Networking
package import Primitives
internal import WireProtocol

/// A broker and the controller of its cluster, in one process.
///
/// Starting: log directories claimed and opened (recovered where need be), the metadata log
/// replayed, a new reign begun, listeners opened, the broker registered, then requests are
/// answered. Stopping is the way back. States are those of its parts; this type only puts them
/// together and takes them apart.
package final class Broker: Sendable {
    package let clusterID: String
    package let nodeID: BrokerID
    /// Where it listens, with the ports that were taken.
    package let listeners: [Listener]
    /// Where metrics are shown, with the port that was taken; nil where they are not.
    package var metricsListener: Listener? { metrics?.listener }

    private let world: World
    private let network: any Network
    private let storage: Storage
    private let controller: ControllerDriver
    private let groups: GroupCoordinator
    private let housekeeping: Housekeeping
    private let compaction: Compaction
    private let metrics: MetricsService?

    private init(
        clusterID: String, nodeID: BrokerID, listeners: [Listener], world: World,
        network: any Network, storage: Storage, controller: ControllerDriver,
        groups: GroupCoordinator, housekeeping: Housekeeping, compaction: Compaction,
        metrics: MetricsService?
    ) {
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.listeners = listeners
        self.world = world
        self.network = network
        self.storage = storage
        self.controller = controller
        self.groups = groups
        self.housekeeping = housekeeping
        self.compaction = compaction
        self.metrics = metrics
    }

    /// Returns when the broker answers requests. Where it throws, log directories are as clean as
    /// they were; the caller shuts the network down.
    ///
    /// - Parameter failed: called, from any thread, when the broker cannot go on: its metadata log
    ///   or all of its log directories are lost. The caller then stops it.
    package static func start(
        _ configuration: BrokerConfiguration, world: World, network: any Network,
        failed: @escaping @Sendable (String) -> Void
    ) throws(StartError) -> Broker {
        let metrics = try MetricsService.open(configuration, world: world, network: network)
        let (storage, clusterID) = try openStorage(configuration, world)
        let partitions = PartitionSet(
            node: configuration.nodeID, storage: storage, configuration: configuration,
            world: world, clusterID: clusterID, traffic: metrics?.meters.traffic)
        // Connections that come before the broker is registered wait in their loop.
        let box = RouterBox()
        let entry: Entry
        do throws(StartError) {
            entry = try enter(
                configuration, storage, clusterID, world, network,
                makeHandler: makeHandlers(box, configuration, metrics, world))
        } catch {
            box.abandon()
            // What was closed cleanly stays so, though nothing could be made of it.
            _ = storage.close()
            throw error
        }
        let round = entry.round
        partitions.apply(round.machine.publishedImage)
        storage.tellStrays(round.machine.publishedImage)
        let groups = GroupCoordinator(
            view: partitions.view, loops: network.loops, world: world,
            settings: configuration.groups, topic: configuration.offsetsTopic)
        groups.apply()
        let publication = Publication(partitions: partitions, groups: groups)
        let controller = ControllerDriver(
            round: round, world: world, publish: { publication.publish($0) },
            failed: failed)
        box.fill(
            makeRouters(
                configuration, view: partitions.view, controller: controller, groups: groups,
                storage: storage, brokerEpoch: entry.brokerEpoch, meters: metrics?.meters))
        metrics?.serve(
            node: configuration.nodeID, view: partitions.view, storage: storage,
            controller: controller, groups: groups)

        let housekeeping = Housekeeping(
            storage: storage, loop: network.loops[0],
            intervalMilliseconds: housekeepingMilliseconds(configuration),
            publication: publication,
            allOffline: { failed("no log directory can be used any more") })
        housekeeping.start()
        let compaction = Compaction(
            storage: storage, loop: network.loops[0], configuration: configuration.cleaner)
        compaction.start()
        return Broker(
            clusterID: clusterID, nodeID: configuration.nodeID, listeners: entry.listeners,
            world: world, network: network, storage: storage, controller: controller,
            groups: groups, housekeeping: housekeeping, compaction: compaction, metrics: metrics)
    }

    /// Answers what is under way, closes connections, flushes the logs and marks them clean.
    ///
    /// Returns false when the next start will have to recover.
    package func stop() -> Bool {
        metrics?.stop()
        housekeeping.stop()
        compaction.stop()
        // Members that wait for a rebalance would hold up their connections.
        groups.stop()
        network.shutdown(drainMilliseconds: 2000)
        controller.stop()
        return storage.close()
    }
}

// MARK: The steps of the start

extension Broker {
    private static func openStorage(
        _ configuration: BrokerConfiguration, _ world: World
    ) throws(StartError) -> (Storage, clusterID: String) {
        let (paths, node) = (configuration.logDirectories, configuration.nodeID)
        var directories: [LogDirectory] = []
        do {
            // Whose they are is looked at before anything is touched, and written when no other
            // process can do the same.
            try MetaProperties.check(paths, node: node, world: world)
            for path in paths {
                directories.append(try openDirectory(path, configuration, world))
            }
            let metas = try MetaProperties.claim(paths, node: node, world: world)
            let storage = Storage(
                world: world, directories: directories, directoryIDs: metas.map(\.directoryID))
            return (storage, metas[0].clusterID)
        } catch {
            for directory in directories { try? directory.close() }
            switch error {
            case let error as MetaPropertiesError: throw StartError(error)
            case let error as LogError: throw StartError(error)
            default: throw .log("\(error)")
            }
        }
    }

    private static func openDirectory(
        _ path: String, _ configuration: BrokerConfiguration, _ world: World
    ) throws(LogError) -> LogDirectory {
        let lines = RecoveryLines(path: path, world: world)
        let directory = try LogDirectory.open(
            path, world: world,
            // A topic's own settings follow once the metadata, which lies in one of these, is read.
            defaults: LogConfiguration(configuration.topicDefaults, broker: configuration),
            // A quarter of the process' descriptors for logs, the rest for connections.
            openFiles: world.files.descriptorLimit / 4 / configuration.logDirectories.count,
            progress: { lines.note($0) })
        let report = directory.report
        let state = report.wasCleanStop ? "as a clean stop left them" : "checked"
        world.log(.info, "\(path): \(report.logCount) logs, \(state)")
        return directory
    }

    /// A broker that the cluster knows, and that listens.
    private struct Entry {
        let round: ControllerDriver.Round
        let listeners: [Listener]
        let brokerEpoch: BrokerEpoch
    }

    /// The steps behind the opening of the directories that may be refused.
    private static func enter(
        _ configuration: BrokerConfiguration, _ storage: Storage, _ clusterID: String,
        _ world: World, _ network: any Network, makeHandler: @escaping HandlerFactory
    ) throws(StartError) -> Entry {
        var round = try openMetadata(configuration, storage, clusterID, world)
        let (bound, advertised) = try listen(configuration, network, makeHandler: makeHandler)
        let epoch = try register(configuration, advertised, storage, &round, world)
        return Entry(round: round, listeners: bound, brokerEpoch: epoch)
    }

    private static func makeHandlers(
        _ box: RouterBox, _ configuration: BrokerConfiguration, _ metrics: MetricsService?,
        _ world: World
    ) -> HandlerFactory {
        let reachability = AdvertisedAddressCheck(configuration.advertisedListeners, log: world.log)
        return { connection in
            reachability.check(connection)
            let loop = metrics?.meters.number(of: connection.loop) ?? 0
            guard let router = box.router(loop: loop) else { return TurnedAway(connection) }
            router.opened(connection)
            return router
        }
    }

    /// The controller as its log left it, leading a new reign.
    private static func openMetadata(
        _ configuration: BrokerConfiguration, _ storage: Storage, _ clusterID: String,
        _ world: World
    ) throws(StartError) -> ControllerDriver.Round {
        do {
            let directory = try storage.metadataDirectory(configuration.metadataLogDirectory)
            let log =
                try directory.log(MetadataLog.partition)
                ?? directory.createLog(
                    MetadataLog.partition, topicID: .clusterMetadata,
                    configuration: MetadataLog.configuration)
            log.configuration = MetadataLog.configuration
            let settings = ControllerSettings(
                defaultPartitionCount: configuration.defaultPartitions,
                defaultReplicationFactor: configuration.defaultReplicationFactor,
                topicDeletionEnabled: configuration.deleteTopicsEnabled)
            var round = ControllerDriver.Round(
                machine: ControllerMachine(
                    from: MetadataImage(clusterID: clusterID), settings: settings,
                    schema: DeclaredSettings(broker: configuration)),
                log: try MetadataLog(log: log, nodeID: configuration.nodeID, world: world))
            try round.log.load(into: &round.machine)
            try round.log.lead(
                clusterID: clusterID, directory: "\(directory.path)/\(MetadataLog.partition)")
            let activation = try round.machine.activate()
            try round.decide { _, _ in activation }
            return round
        } catch let error as StartError {
            throw error
        } catch let error as LogError {
            throw StartError(error)
        } catch let error as MetadataLogError {
            throw StartError(error)
        } catch {
            throw .metadata("\(error)")
        }
    }

    /// Opens the listeners; returns them, and what clients are to be told, ports filled in.
    private static func listen(
        _ configuration: BrokerConfiguration, _ network: any Network,
        makeHandler: @escaping HandlerFactory
    ) throws(StartError) -> (bound: [Listener], advertised: [Listener]) {
        var options = ListenerOptions()
        options.backlog = configuration.listenBacklog
        options.connection.maximumFrameBytes = configuration.maxRequestBytes
        options.connection.idleMilliseconds = configuration.maxIdleMilliseconds ?? 0
        options.connection.sendBufferBytes = configuration.socketSendBufferBytes
        options.connection.receiveBufferBytes = configuration.socketReceiveBufferBytes
        var bound: [Listener] = []
        var advertised: [Listener] = []
        for (listener, told) in zip(configuration.listeners, configuration.advertisedListeners) {
            do throws(NetworkError) {
                let open = try network.listen(
                    on: Endpoint(host: listener.host, port: listener.port), name: listener.name,
                    options: options, makeHandler: makeHandler)
                let port = open.endpoint.port
                bound.append(Listener(name: listener.name, host: listener.host, port: port))
                advertised.append(
                    Listener(
                        name: told.name, host: told.host, port: told.port == 0 ? port : told.port))
            } catch {
                throw StartError(error)
            }
        }
        return (bound, advertised)
    }

    /// Makes this broker known in the metadata, alive and able to lead.
    private static func register(
        _ configuration: BrokerConfiguration, _ advertised: [Listener], _ storage: Storage,
        _ round: inout ControllerDriver.Round, _ world: World
    ) throws(StartError) -> BrokerEpoch {
        var request = BrokerRegistrationRequest()
        request.brokerId = configuration.nodeID.rawValue
        request.clusterId = round.machine.image.clusterID
        request.incarnationId = .random(world.random)
        request.rack = configuration.rack
        request.logDirs = storage.directoryIDs
        request.features = SupportedFeatures.all.map { range in
            var feature = BrokerRegistrationRequest.Feature()
            feature.name = range.name
            feature.minSupportedVersion = range.minimum
            feature.maxSupportedVersion = range.maximum
            return feature
        }
        request.listeners = advertised.map { listener in
            var entry = BrokerRegistrationRequest.Listener()
            entry.name = listener.name
            entry.host = listener.host
            entry.port = listener.port
            return entry
        }
        let asked = request
        do {
            let response = try round.decide { machine, context in
                machine.registerBroker(asked, context)
            }
            guard response.errorCode == 0 else {
                throw StartError.metadata(
                    "the controller refused this broker with error \(response.errorCode)")
            }
            let epoch = BrokerEpoch(response.brokerEpoch)
            let unfencing = try round.machine.unfenceBroker(configuration.nodeID, epoch: epoch)
            try round.decide { _, _ in unfencing }
            try round.log.synchronize()
            return epoch
        } catch let error as StartError {
            throw error
        } catch let error as MetadataLogError {
            throw StartError(error)
        } catch {
            throw .metadata("\(error)")
        }
    }

    /// The least of the intervals at which something may be due.
    private static func housekeepingMilliseconds(_ configuration: BrokerConfiguration) -> Int64 {
        max(
            min(
                configuration.retentionCheckMilliseconds, configuration.flushCheckMilliseconds,
                configuration.recoveryPointCheckpointMilliseconds,
                configuration.logStartCheckpointMilliseconds), 1000)
    }
}
