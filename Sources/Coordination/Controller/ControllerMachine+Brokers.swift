package import Primitives
package import WireProtocol

/// Brokers come, become live, and go. Who is missing heartbeats is not decided here.
extension ControllerMachine {
    /// Registers a broker, fenced at first, or repeats the registration of the same incarnation.
    ///
    /// A new incarnation of a known broker ends the old one: it leads nothing any more, and is in
    /// sync only where nobody else is. Its epoch is the offset at which the records begin.
    package func registerBroker(
        _ request: BrokerRegistrationRequest, _ context: DecisionContext
    ) -> Decision<BrokerRegistrationResponse> {
        var response = BrokerRegistrationResponse()
        do throws(Refusal) {
            try check(request)
        } catch {
            response.errorCode = error.code.rawValue
            return Decision(response)
        }
        let id = BrokerID(request.brokerId)
        var record = RegisterBrokerRecord()
        record.brokerId = request.brokerId
        record.incarnationId = request.incarnationId
        record.brokerEpoch = context.nextOffset.rawValue
        record.rack = request.rack
        record.endPoints = request.listeners.map { listener in
            var endpoint = RegisterBrokerRecord.BrokerEndpoint()
            endpoint.name = listener.name
            endpoint.host = listener.host
            endpoint.port = listener.port
            endpoint.securityProtocol = listener.securityProtocol
            return endpoint
        }
        record.features = request.features.map { offered in
            var feature = RegisterBrokerRecord.BrokerFeature()
            feature.name = offered.name
            feature.minSupportedVersion = offered.minSupportedVersion
            feature.maxSupportedVersion = offered.maxSupportedVersion
            return feature
        }
        if image.metadataVersion.recordsDirectories { record.logDirs = request.logDirs }
        var records: [MetadataRecord] = []
        if let existing = image.broker(id), existing.incarnationID == request.incarnationId {
            record.brokerEpoch = existing.epoch.rawValue
            record.fenced = existing.isFenced
            record.inControlledShutdown = existing.isInControlledShutdown
        } else {
            record.fenced = true
            records = leadershipRecords(without: id)
        }
        records.append(.registerBroker(record))
        response.brokerEpoch = record.brokerEpoch
        // The registration comes last: should only some of the records be committed, the broker
        // registers again and the rest follows.
        return Decision(response, records: records, isAtomic: false)
    }

    /// Lets a registered broker lead: partitions that had no leader and are in sync on it get one.
    package func unfenceBroker(
        _ id: BrokerID, epoch: BrokerEpoch
    ) throws(Refusal) -> Decision<Void> {
        let broker = try current(id, epoch)
        if broker.isActive { return Decision(()) }
        var record = BrokerRegistrationChangeRecord()
        record.brokerId = id.rawValue
        record.brokerEpoch = epoch.rawValue
        record.fenced = BrokerRegistrationChangeRecord.unfence
        return Decision(
            (), records: [.brokerRegistrationChange(record)] + leadershipRecords(with: id),
            isAtomic: false)
    }

    /// Takes leadership from a broker that stops or is lost.
    package func fenceBroker(
        _ id: BrokerID, epoch: BrokerEpoch
    ) throws(Refusal) -> Decision<Void> {
        let broker = try current(id, epoch)
        if broker.isFenced { return Decision(()) }
        var record = BrokerRegistrationChangeRecord()
        record.brokerId = id.rawValue
        record.brokerEpoch = epoch.rawValue
        record.fenced = BrokerRegistrationChangeRecord.fence
        return Decision(
            (), records: leadershipRecords(without: id) + [.brokerRegistrationChange(record)],
            isAtomic: false)
    }

    private func current(_ id: BrokerID, _ epoch: BrokerEpoch) throws(Refusal) -> BrokerImage {
        guard let broker = image.broker(id) else {
            throw Refusal(.brokerIdNotRegistered, "Broker \(id) is not registered.")
        }
        guard broker.epoch == epoch else {
            throw Refusal(
                .staleBrokerEpoch,
                "Broker \(id) has epoch \(broker.epoch); \(epoch) is of an earlier life.")
        }
        return broker
    }

    private func check(_ request: BrokerRegistrationRequest) throws(Refusal) {
        guard request.clusterId == image.clusterID else {
            throw Refusal(
                .inconsistentClusterId,
                "The broker is of cluster '\(request.clusterId)', this is '\(image.clusterID)'.")
        }
        guard request.brokerId >= 0, !request.isMigratingZkBroker else {
            throw Refusal(.invalidRegistration, "Not a broker that can register here.")
        }
        if image.metadataVersion.recordsDirectories { try checkDirectories(of: request) }
        for feature in image.features.keys {
            guard let level = image.features[feature] else { continue }
            let offered = request.features.first { $0.name == feature }
            // A feature the broker does not name, it does not have.
            let lowest = offered?.minSupportedVersion ?? 0
            let highest = offered?.maxSupportedVersion ?? 0
            guard lowest <= level, level <= highest else {
                throw Refusal(
                    .unsupportedVersion,
                    "The cluster is at \(feature) \(level); the broker works with "
                        + "\(lowest) to \(highest).")
            }
        }
    }

    private func checkDirectories(of request: BrokerRegistrationRequest) throws(Refusal) {
        guard !request.logDirs.isEmpty, !request.logDirs.contains(where: DirectoryID.isReserved),
            repeated(in: request.logDirs).isEmpty
        else {
            throw Refusal(
                .invalidRegistration,
                "A broker names its log directories, each once, by ids that are not reserved.")
        }
        let directories = Set(request.logDirs)
        for broker in image.brokers.values where broker.id.rawValue != request.brokerId {
            if let shared = broker.directories.first(where: directories.contains) {
                throw Refusal(
                    .invalidRegistration,
                    "Log directory \(shared) belongs to broker \(broker.id).")
            }
        }
    }
}

// MARK: Leaders

extension ControllerMachine {
    /// The changes that leave `broker` without leadership. It stays in sync where it is alone: only
    /// it has the records there.
    private func leadershipRecords(without broker: BrokerID) -> [MetadataRecord] {
        partitionChanges { partition in
            guard partition.isr.contains(broker) else { return nil }
            let remaining = partition.isr.filter { $0 != broker }
            if remaining.isEmpty {
                return partition.leader == broker ? .leader(.none) : nil
            }
            if partition.leader != broker { return .inSync(remaining) }
            let successor = partition.replicas.first {
                remaining.contains($0) && image.isActive($0)
            }
            return .leader(successor ?? .none, inSync: remaining)
        }
    }

    /// The changes that give partitions without a leader to `broker` where it is in sync.
    private func leadershipRecords(with broker: BrokerID) -> [MetadataRecord] {
        partitionChanges { partition in
            guard partition.leader == .none, partition.isr.contains(broker) else { return nil }
            return .leader(broker)
        }
    }

    private struct PartitionChange {
        var leader: BrokerID?
        var inSync: [BrokerID]?

        static func leader(_ leader: BrokerID, inSync: [BrokerID]? = nil) -> PartitionChange {
            PartitionChange(leader: leader, inSync: inSync)
        }
        static func inSync(_ inSync: [BrokerID]) -> PartitionChange {
            PartitionChange(leader: nil, inSync: inSync)
        }
    }

    /// Records for those of all partitions for which `decide` has a change.
    private func partitionChanges(
        _ decide: (PartitionImage) -> PartitionChange?
    ) -> [MetadataRecord] {
        var records: [MetadataRecord] = []
        for topic in image.topics.values {
            for partition in topic.partitions {
                guard let change = decide(partition) else { continue }
                var record = PartitionChangeRecord()
                record.topicId = topic.id
                record.partitionId = partition.index.rawValue
                if let leader = change.leader { record.leader = leader.rawValue }
                record.isr = change.inSync?.map(\.rawValue)
                records.append(.partitionChange(record))
            }
        }
        return records
    }
}
