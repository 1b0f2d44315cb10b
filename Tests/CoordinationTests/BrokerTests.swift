import Coordination
import Primitives
import Testing
import WireProtocol

@Suite("Brokers, producer ids, activation") struct BrokerTests {
    @Test("a new cluster's log begins with its metadata version")
    func newCluster() throws {
        var cluster = try Scenario(brokers: 0)
        #expect(cluster.image.metadataVersion == .latest)
        #expect(cluster.image.metadataVersion.description == "4.0-IV3")
        // A controller that finds a log with content adds nothing.
        #expect(try cluster.machine.activate().records.isEmpty)
        cluster.commit(try cluster.machine.activate())
    }

    @Test("a log of a version beyond ours is not taken over")
    func futureVersion() throws {
        var record = FeatureLevelRecord()
        record.name = "metadata.version"
        record.featureLevel = 26
        let image = try MetadataImage(clusterID: "c")
            .applying([.featureLevel(record)], at: .zero, epoch: .zero)
        let machine = ControllerMachine(
            from: image, settings: ControllerSettings(), schema: FewSettings())
        #expect(throws: ActivationError.unsupportedMetadataVersion(image.metadataVersion)) {
            _ = try machine.activate()
        }
    }

    @Test("a registered broker is fenced until it is let in, and its epoch is its offset")
    func registration() throws {
        var cluster = try Scenario(brokers: 0)
        let offset = Int64(cluster.log.count)
        let response = cluster.commit(
            cluster.machine.registerBroker(
                Scenario.registration(broker: 4, rack: "r"), cluster.context))
        #expect(response.errorCode == 0)
        #expect(response.brokerEpoch == offset)
        let broker = try #require(cluster.image.broker(BrokerID(4)))
        #expect(broker.isFenced)
        #expect(broker.rack == "r")
        #expect(broker.endpoints.map(\.port) == [9096])
        cluster.commit(try cluster.machine.unfenceBroker(broker.id, epoch: broker.epoch))
        #expect(cluster.image.isActive(broker.id))
    }

    @Test("a registration repeated by the same incarnation keeps epoch and state")
    func repeated() throws {
        var cluster = try Scenario(brokers: 1)
        let before = try #require(cluster.image.broker(BrokerID(0)))
        let response = cluster.commit(
            cluster.machine.registerBroker(Scenario.registration(broker: 0), cluster.context))
        #expect(response.brokerEpoch == before.epoch.rawValue)
        #expect(cluster.image.broker(BrokerID(0)) == before)
    }

    @Test("a restart of the only replica ends in the same leader under a later epoch")
    func restart() throws {
        var cluster = try Scenario(brokers: 1)
        cluster.create(Scenario.topic("t", partitions: 3))
        try cluster.start(broker: 0, incarnation: 2)
        for partition in try #require(cluster.image.topic(named: "t")).partitions {
            #expect(partition.leader == BrokerID(0))
            #expect(partition.isr == [BrokerID(0)])
            #expect(partition.leaderEpoch > .zero)
        }
        #expect(try cluster.imageOfReader() == cluster.image)
    }

    @Test("a fenced broker's partitions go to the next in sync, and stay leaderless without one")
    func failover() throws {
        var cluster = try Scenario(brokers: 2)
        cluster.create(Scenario.topic("t", assignments: [(0, [0, 1]), (1, [1, 0])]))
        try cluster.fence(broker: 0)
        var partitions = try #require(cluster.image.topic(named: "t")).partitions
        #expect(partitions.map(\.leader) == [BrokerID(1), BrokerID(1)])
        #expect(partitions.map(\.isr) == [[BrokerID(1)], [BrokerID(1)]])
        #expect(partitions.map(\.leaderEpoch.rawValue) == [1, 0])
        #expect(partitions.map(\.partitionEpoch.rawValue) == [1, 1])
        try cluster.fence(broker: 1)
        partitions = try #require(cluster.image.topic(named: "t")).partitions
        #expect(partitions.map(\.leader) == [.none, .none])
        #expect(partitions.map(\.isr) == [[BrokerID(1)], [BrokerID(1)]])
        // Only the broker that was in sync last may lead again.
        try cluster.start(broker: 0, incarnation: 2)
        #expect(cluster.image.topic(named: "t")?.partitions[0].leader == BrokerID.none)
        try cluster.start(broker: 1, incarnation: 2)
        #expect(cluster.image.topic(named: "t")?.partitions[0].leader == BrokerID(1))
    }

    @Test("registrations of other clusters, wrong directories or too old brokers are refused")
    func refused() throws {
        let cluster = try Scenario(brokers: 1)
        func error(_ change: (inout BrokerRegistrationRequest) -> Void) -> Int16 {
            var request = Scenario.registration(broker: 1)
            change(&request)
            return cluster.machine.registerBroker(request, cluster.context).response.errorCode
        }
        #expect(error { $0.clusterId = "other" } == 104)
        #expect(error { $0.logDirs = [] } == 119)
        #expect(error { $0.logDirs = [DirectoryID.unassigned] } == 119)
        #expect(error { $0.logDirs = [UUID128(high: 77, low: 1)] } == 119)
        #expect(error { $0.features[0].maxSupportedVersion = 24 } == 35)
        #expect(error { $0.features = [] } == 35)
        #expect(error { _ in } == 0)
    }

    @Test("requests of an earlier life of a broker are stale")
    func stale() throws {
        let cluster = try Scenario(brokers: 1)
        #expect(throws: Refusal.self) {
            _ = try cluster.machine.fenceBroker(BrokerID(0), epoch: BrokerEpoch(999))
        }
        #expect(throws: Refusal.self) {
            _ = try cluster.machine.unfenceBroker(BrokerID(9), epoch: BrokerEpoch(1))
        }
    }

    @Test("producer ids come in blocks of a thousand that never overlap")
    func producerIDs() throws {
        var cluster = try Scenario(brokers: 1)
        var request = AllocateProducerIdsRequest()
        request.brokerId = 0
        request.brokerEpoch = try #require(cluster.image.broker(BrokerID(0))).epoch.rawValue
        for block in 0..<3 {
            let response = cluster.commit(cluster.machine.allocateProducerIds(request))
            #expect(response.errorCode == 0)
            #expect(response.producerIdStart == Int64(block) * 1000)
            #expect(response.producerIdLen == 1000)
        }
        request.brokerEpoch += 1
        #expect(cluster.machine.allocateProducerIds(request).response.errorCode == 77)
    }

    @Test("producer ids that run out are refused, not wrapped around")
    func producerIDsExhausted() throws {
        var cluster = try Scenario(brokers: 1)
        var record = ProducerIdsRecord()
        record.nextProducerId = Int64.max - 5
        cluster.commit(Decision((), records: [.producerIds(record)]))
        var request = AllocateProducerIdsRequest()
        request.brokerId = 0
        request.brokerEpoch = try #require(cluster.image.broker(BrokerID(0))).epoch.rawValue
        let decision = cluster.machine.allocateProducerIds(request)
        #expect(decision.response.errorCode == -1)
        #expect(decision.records.isEmpty)
    }
}
