package import Primitives
package import WireProtocol

/// How each metadata record changes the image. Nothing else does.
extension MetadataImage {
    /// The image after `records`, which lie in the log one after another from `baseOffset` on and
    /// were written under `epoch`. Marks of transactions are refused: see `MetadataReplay`.
    package func applying(
        _ records: [MetadataRecord], at baseOffset: Offset, epoch: LeaderEpoch
    ) throws(MetadataReplayError) -> MetadataImage {
        var next = self
        for (index, record) in records.enumerated() {
            try next.apply(record, at: baseOffset.advanced(by: Int64(index)), epoch: epoch)
        }
        return next
    }

    /// The image that a snapshot holds: `records` are its content, and stand for everything in the
    /// log up to `provenance`. Offsets in errors count the records of the snapshot from 0.
    package init(
        clusterID: String, snapshot records: [MetadataRecord], of provenance: Provenance
    ) throws(MetadataReplayError) {
        self = try MetadataImage(clusterID: clusterID)
            .applying(records, at: .zero, epoch: provenance.epoch)
        self.provenance = provenance
        topicsChange = Change(offset: provenance.offset)
        groupSettingsChange = Change(offset: provenance.offset)
    }

    /// Applies one record, which lies at `offset`.
    mutating func apply(
        _ record: MetadataRecord, at offset: Offset, epoch: LeaderEpoch
    ) throws(MetadataReplayError) {
        do {
            try apply(record)
        } catch {
            throw MetadataReplayError(error.reason, at: offset)
        }
        provenance = Provenance(offset: offset, epoch: epoch)
        switch record {
        case .topic, .removeTopic, .partition: topicsChange = Change(offset: offset)
        case .config(let setting) where setting.resourceType == ConfigResourceType.group.rawValue:
            groupSettingsChange = Change(offset: offset)
        default: break
        }
    }

    private mutating func apply(_ record: MetadataRecord) throws(InvalidRecord) {
        switch record {
        case .topic(let record): try apply(record)
        case .removeTopic(let record): try apply(record)
        case .partition(let record): try apply(record)
        case .partitionChange(let record): try apply(record)
        case .config(let record): try apply(record)
        case .registerBroker(let record): apply(record)
        case .unregisterBroker(let record): try apply(record)
        case .fenceBroker(let record):
            try updateBroker(BrokerID(record.id), BrokerEpoch(record.epoch)) { $0.isFenced = true }
        case .unfenceBroker(let record):
            try updateBroker(BrokerID(record.id), BrokerEpoch(record.epoch)) { $0.isFenced = false }
        case .brokerRegistrationChange(let record): try apply(record)
        case .registerController(let record): apply(record)
        case .featureLevel(let record):
            // Level 0 means that the feature is off, which is the same as never named.
            features[record.name] = record.featureLevel == 0 ? nil : record.featureLevel
        case .producerIds(let record): try apply(record)
        case .clearElr(let record): try apply(record)
        case .beginTransaction, .endTransaction, .abortTransaction:
            throw InvalidRecord(.transactionMark)
        case .noOp, .zkMigrationState, .accessControlEntry,
            .removeAccessControlEntry, .clientQuota, .userScramCredential,
            .removeUserScramCredential, .delegationToken, .removeDelegationToken:
            break
        }
    }
}

/// Why a record was refused, before it is known where the record lies.
struct InvalidRecord: Error {
    let reason: MetadataReplayError.Reason
    init(_ reason: MetadataReplayError.Reason) { self.reason = reason }
}

// MARK: Topics

extension MetadataImage {
    private mutating func apply(_ record: TopicRecord) throws(InvalidRecord) {
        if let existing = topicIDs[record.name] {
            throw InvalidRecord(.topicExists(name: record.name, existing))
        }
        if let existing = topics[record.topicId] {
            throw InvalidRecord(.topicExists(name: existing.name, existing.id))
        }
        topics[record.topicId] = TopicImage(id: record.topicId, name: record.name)
        topicIDs[record.name] = record.topicId
        if let key = TopicName.confusionKey(of: record.name) {
            if confusableNames.update(key, { $0.append(record.name) }) == nil {
                confusableNames[key] = [record.name]
            }
        }
    }

    private mutating func apply(_ record: RemoveTopicRecord) throws(InvalidRecord) {
        guard let topic = topics[record.topicId] else {
            throw InvalidRecord(.unknownTopic(record.topicId))
        }
        topics[topic.id] = nil
        topicIDs[topic.name] = nil
        configurations[ConfigResource(.topic, topic.name)] = nil
        if let key = TopicName.confusionKey(of: topic.name) {
            confusableNames.update(key) { $0.removeAll { $0 == topic.name } }
            if confusableNames[key]?.isEmpty ?? false { confusableNames[key] = nil }
        }
    }

    private mutating func apply(_ record: PartitionRecord) throws(InvalidRecord) {
        let partition = try PartitionImage(record)
        if topics.update(record.topicId, { $0.set(partition) }) == nil {
            throw InvalidRecord(.unknownTopic(record.topicId))
        }
    }

    private mutating func apply(_ record: PartitionChangeRecord) throws(InvalidRecord) {
        let index = PartitionIndex(record.partitionId)
        let found = try topics.update(record.topicId) { topic throws(InvalidRecord) in
            try topic.update(index) { partition throws(InvalidRecord) in
                try partition.apply(record)
            }
        }
        switch found {
        case nil: throw InvalidRecord(.unknownTopic(record.topicId))
        case false?: throw InvalidRecord(.unknownPartition(record.topicId, index))
        case true?: break
        }
    }

    /// Forgets the eligible leader replicas of one topic, or of all where none is named (KIP-966).
    private mutating func apply(_ record: ClearElrRecord) throws(InvalidRecord) {
        let cleared: [TopicID]
        if let name = record.topicName, !name.isEmpty {
            guard let id = topicIDs[name] else {
                throw InvalidRecord(.invalidField("topic '\(name)' does not exist"))
            }
            cleared = [id]
        } else {
            cleared = Array(topics.keys)
        }
        for id in cleared { topics.update(id) { $0.clearEligibleLeaders() } }
    }

    private mutating func apply(_ record: ConfigRecord) throws(InvalidRecord) {
        guard let type = ConfigResourceType(rawValue: record.resourceType) else {
            throw InvalidRecord(
                .invalidField("a setting of the unknown resource type \(record.resourceType)"))
        }
        let resource = ConfigResource(type, record.resourceName)
        var configuration = configuration(of: resource)
        configuration[record.name] = record.value
        configurations[resource] = configuration.isEmpty ? nil : configuration
    }
}

extension PartitionChangeRecord {
    /// The value of `leader` that means "as it was"; -1 means "no leader".
    static let unchangedLeader: Int32 = -2

    fileprivate var changedRecoveryState: Int8? {
        leaderRecoveryState == -1 ? nil : leaderRecoveryState
    }
}

extension PartitionImage {
    fileprivate init(_ record: PartitionRecord) throws(InvalidRecord) {
        guard let recovery = LeaderRecoveryState(rawValue: record.leaderRecoveryState) else {
            throw InvalidRecord(
                .invalidField(
                    "leader recovery state \(record.leaderRecoveryState): 0 or 1 expected"))
        }
        guard record.partitionId >= 0 else {
            throw InvalidRecord(.invalidField("partition \(record.partitionId)"))
        }
        guard record.directories.isEmpty || record.directories.count == record.replicas.count else {
            throw InvalidRecord(
                .invalidField(
                    "\(record.directories.count) directories for \(record.replicas.count) replicas")
            )
        }
        index = PartitionIndex(record.partitionId)
        replicas = record.replicas.map { BrokerID($0) }
        directories = record.directories
        // Most in-sync sets are the assignment itself: then both share their memory.
        isr = record.isr == record.replicas ? replicas : record.isr.map { BrokerID($0) }
        removingReplicas = record.removingReplicas.map { BrokerID($0) }
        addingReplicas = record.addingReplicas.map { BrokerID($0) }
        leader = BrokerID(record.leader)
        leaderRecoveryState = recovery
        leaderEpoch = LeaderEpoch(record.leaderEpoch)
        partitionEpoch = PartitionEpoch(record.partitionEpoch)
        eligibleLeaderReplicas = (record.eligibleLeaderReplicas ?? []).map { BrokerID($0) }
        lastKnownEligibleLeaderReplicas = (record.lastKnownElr ?? []).map { BrokerID($0) }
        fillDirectories()
    }

    /// Takes over the fields that the record names; each record is one step of the partition epoch.
    fileprivate mutating func apply(_ record: PartitionChangeRecord) throws(InvalidRecord) {
        try check(record)
        if let changed = record.replicas { replicas = changed.map { BrokerID($0) } }
        if let changed = record.directories { directories = changed }
        if let changed = record.isr {
            isr = changed.map { BrokerID($0) }
            if isr == replicas { isr = replicas }
        }
        if let changed = record.removingReplicas { removingReplicas = changed.map { BrokerID($0) } }
        if let changed = record.addingReplicas { addingReplicas = changed.map { BrokerID($0) } }
        if let changed = record.eligibleLeaderReplicas {
            eligibleLeaderReplicas = changed.map { BrokerID($0) }
        }
        if let changed = record.lastKnownElr {
            lastKnownEligibleLeaderReplicas = changed.map { BrokerID($0) }
        }
        if let state = record.changedRecoveryState.flatMap(LeaderRecoveryState.init(rawValue:)) {
            leaderRecoveryState = state
        }
        if record.leader != PartitionChangeRecord.unchangedLeader {
            leader = BrokerID(record.leader)
            leaderEpoch = LeaderEpoch(leaderEpoch.rawValue + 1)
        }
        partitionEpoch = PartitionEpoch(partitionEpoch.rawValue + 1)
        fillDirectories()
    }

    private func check(_ record: PartitionChangeRecord) throws(InvalidRecord) {
        if let state = record.changedRecoveryState, LeaderRecoveryState(rawValue: state) == nil {
            throw InvalidRecord(.invalidField("leader recovery state \(state): 0 or 1 expected"))
        }
        let replicaCount = record.replicas?.count ?? replicas.count
        if let changed = record.directories, !changed.isEmpty, changed.count != replicaCount {
            throw InvalidRecord(
                .invalidField("\(changed.count) directories for \(replicaCount) replicas"))
        }
        guard leaderEpoch.rawValue < .max, partitionEpoch.rawValue < .max else {
            throw InvalidRecord(.invalidField("partition \(index) has used up its epochs"))
        }
    }

    /// Records from before directories were recorded name none.
    private mutating func fillDirectories() {
        if directories.count != replicas.count {
            directories = Array(repeating: DirectoryID.migrating, count: replicas.count)
        }
    }
}
