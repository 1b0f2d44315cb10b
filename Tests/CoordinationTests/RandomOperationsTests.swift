import Coordination
import Primitives
import Testing
import WireProtocol

@Suite("Whatever is asked") struct RandomOperationsTests {
    @Test(
        "a reader of the log comes to the controller's image, and the image holds together",
        arguments: 1...12 as ClosedRange<UInt64>)
    func readerAgrees(seed: UInt64) throws {
        var cluster = try Scenario(brokers: 3, racks: ["a", "b"], seed: seed)
        let random = SeededRandom(seed: seed &* 31)
        let names = ["a", "b", "a.b", "a_b", "long-name", "bad name", ""]
        var incarnation: UInt64 = 1
        for _ in 0..<250 {
            let name = random.pick(names)
            switch random.below(9) {
            case 0, 1:
                cluster.create(
                    Scenario.topic(
                        name, partitions: Int32(random.below(8) - 2),
                        factor: Int16(random.below(5) - 1),
                        settings: random.below(2) == 0
                            ? [] : [("retention.ms", "\(random.below(9))")]
                    ),
                    validateOnly: random.below(5) == 0)
            case 2:
                cluster.create(
                    Scenario.topic(
                        name,
                        assignments: (0..<random.below(4)).map {
                            (Int32($0), [Int32(random.below(4)), Int32(random.below(4))])
                        }))
            case 3: _ = cluster.delete([(name, .zero)])
            case 4: cluster.addPartitions(name, to: Int32(random.below(12)))
            case 5:
                cluster.alter(
                    2, name,
                    [("cleanup.policy", Int8(random.below(5)), random.pick(["compact", "x", nil]))])
            case 6: cluster.replace(2, name, [("segment.ms", "\(random.below(9))")])
            case 7:
                incarnation += 1
                try cluster.start(broker: Int32(random.below(3)), incarnation: incarnation)
            default: try cluster.fence(broker: Int32(random.below(3)))
            }
            checkInvariants(cluster.image)
        }
        #expect(try cluster.imageOfReader() == cluster.image)
        #expect(cluster.machine.publishedImage == cluster.image)
    }

    private func checkInvariants(_ image: MetadataImage) {
        #expect(image.topics.count == image.topicIDs.count)
        for topic in image.topics.values {
            #expect(image.topicIDs[topic.name] == topic.id)
            #expect(!topic.partitions.isEmpty)
            for (position, partition) in topic.partitions.enumerated() {
                #expect(partition.index == PartitionIndex(Int32(position)))
                #expect(!partition.isr.isEmpty)
                #expect(partition.isr.allSatisfy(partition.replicas.contains))
                #expect(Set(partition.replicas).count == partition.replicas.count)
                #expect(partition.directories.count == partition.replicas.count)
                // A leader is live and in sync; where one could lead, one does.
                if partition.leader == .none {
                    #expect(!partition.isr.contains { image.isActive($0) })
                } else {
                    #expect(partition.isr.contains(partition.leader))
                    #expect(image.isActive(partition.leader))
                }
            }
        }
        for resource in image.configuredResources where resource.type == .topic {
            #expect(image.topicIDs[resource.name] != nil)
        }
    }
}
