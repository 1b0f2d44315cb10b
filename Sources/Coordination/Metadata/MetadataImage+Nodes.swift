internal import Primitives
internal import WireProtocol

/// The records about brokers, controllers and producer ids.
extension MetadataImage {
    mutating func apply(_ record: RegisterBrokerRecord) {
        let id = BrokerID(record.brokerId)
        brokers[id] = BrokerImage(
            id: id, epoch: BrokerEpoch(record.brokerEpoch), incarnationID: record.incarnationId,
            endpoints: record.endPoints.map {
                NodeEndpoint(
                    name: $0.name, host: $0.host, port: $0.port,
                    securityProtocol: $0.securityProtocol)
            },
            features: record.features.map {
                FeatureRange(
                    name: $0.name, minimum: $0.minSupportedVersion, maximum: $0.maxSupportedVersion)
            },
            rack: record.rack, isFenced: record.fenced,
            isInControlledShutdown: record.inControlledShutdown, directories: record.logDirs)
    }

    mutating func apply(_ record: UnregisterBrokerRecord) throws(InvalidRecord) {
        let id = BrokerID(record.brokerId)
        try updateBroker(id, BrokerEpoch(record.brokerEpoch)) { _ in }
        brokers[id] = nil
    }

    mutating func apply(_ record: BrokerRegistrationChangeRecord) throws(InvalidRecord) {
        let fenced: Bool?
        switch record.fenced {
        case BrokerRegistrationChangeRecord.fence: fenced = true
        case BrokerRegistrationChangeRecord.unfence: fenced = false
        case 0: fenced = nil
        default: throw InvalidRecord(.invalidField("fenced \(record.fenced): -1, 0 or 1 expected"))
        }
        guard 0...1 ~= record.inControlledShutdown else {
            throw InvalidRecord(
                .invalidField(
                    "in controlled shutdown \(record.inControlledShutdown): 0 or 1 expected"))
        }
        try updateBroker(BrokerID(record.brokerId), BrokerEpoch(record.brokerEpoch)) { broker in
            if let fenced { broker.isFenced = fenced }
            if record.inControlledShutdown == 1 { broker.isInControlledShutdown = true }
            if !record.logDirs.isEmpty { broker.directories = record.logDirs }
        }
    }

    mutating func apply(_ record: RegisterControllerRecord) {
        let id = BrokerID(record.controllerId)
        controllers[id] = ControllerImage(
            id: id, incarnationID: record.incarnationId,
            endpoints: record.endPoints.map {
                NodeEndpoint(
                    name: $0.name, host: $0.host, port: $0.port,
                    securityProtocol: $0.securityProtocol)
            },
            features: record.features.map {
                FeatureRange(
                    name: $0.name, minimum: $0.minSupportedVersion, maximum: $0.maxSupportedVersion)
            })
    }

    mutating func apply(_ record: ProducerIdsRecord) throws(InvalidRecord) {
        let next = ProducerID(record.nextProducerId)
        guard next >= nextProducerID else {
            throw InvalidRecord(.producerIDWentBack(from: nextProducerID, to: next))
        }
        nextProducerID = next
    }

    mutating func updateBroker(
        _ id: BrokerID, _ epoch: BrokerEpoch, _ change: (inout BrokerImage) -> Void
    ) throws(InvalidRecord) {
        guard let broker = brokers[id] else { throw InvalidRecord(.unknownBroker(id)) }
        guard broker.epoch == epoch else {
            throw InvalidRecord(
                .brokerEpochMismatch(id, expected: broker.epoch, found: epoch))
        }
        brokers.update(id, change)
    }
}

extension BrokerRegistrationChangeRecord {
    /// The values of `fenced`; 0 leaves it as it was.
    static let fence: Int8 = 1
    static let unfence: Int8 = -1
}
