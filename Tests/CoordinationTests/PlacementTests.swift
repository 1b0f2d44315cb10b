import Coordination
import Primitives
import Testing
import WireProtocol

@Suite("Placing replicas") struct PlacementTests {
    private func partitions(
        brokers: Int, racks: [String] = [], count: Int32, factor: Int16, seed: UInt64
    ) throws -> [PartitionImage] {
        var cluster = try Scenario(brokers: brokers, racks: racks, seed: seed)
        cluster.create(Scenario.topic("t", partitions: count, factor: factor))
        return try #require(cluster.image.topic(named: "t")).partitions
    }

    @Test(
        "every broker leads as many partitions as any other",
        arguments: 1...8 as ClosedRange<UInt64>)
    func balanced(seed: UInt64) throws {
        let placed = try partitions(brokers: 5, count: 20, factor: 3, seed: seed)
        var leaders: [BrokerID: Int] = [:]
        var replicas: [BrokerID: Int] = [:]
        for partition in placed {
            #expect(Set(partition.replicas).count == 3)
            leaders[partition.leader, default: 0] += 1
            for replica in partition.replicas { replicas[replica, default: 0] += 1 }
        }
        #expect(leaders.values.allSatisfy { $0 == 4 })
        #expect(replicas.values.allSatisfy { $0 == 12 })
    }

    @Test(
        "replicas stand in different racks as long as there are racks",
        arguments: 1...8 as ClosedRange<UInt64>)
    func racks(seed: UInt64) throws {
        let racks = ["a", "b", "c"]
        let placed = try partitions(brokers: 7, racks: racks, count: 30, factor: 3, seed: seed)
        for partition in placed {
            #expect(Set(partition.replicas.map { racks[Int($0.rawValue) % 3] }).count == 3)
        }
    }

    @Test("the chance decides where to begin, and nothing else")
    func repeatable() throws {
        let first = try partitions(brokers: 4, count: 8, factor: 2, seed: 9)
        let second = try partitions(brokers: 4, count: 8, factor: 2, seed: 9)
        #expect(first == second)
        let beginnings = try Set(
            (0..<32).map { try partitions(brokers: 4, count: 1, factor: 1, seed: $0)[0].leader })
        #expect(beginnings.count == 4)
    }

    @Test("fenced brokers hold replicas only where the live ones are too few, and never lead")
    func fenced() throws {
        var cluster = try Scenario(brokers: 3)
        try cluster.fence(broker: 1)
        cluster.create(
            Scenario.topic("two", partitions: 12, factor: 2),
            Scenario.topic("three", partitions: 12, factor: 3))
        for partition in try #require(cluster.image.topic(named: "two")).partitions {
            #expect(!partition.replicas.contains(BrokerID(1)))
        }
        for partition in try #require(cluster.image.topic(named: "three")).partitions {
            #expect(partition.replicas.last == BrokerID(1))
            #expect(!partition.isr.contains(BrokerID(1)))
            #expect(partition.isr.count == 2)
        }
    }
}
