import Coordination
import Primitives
import RecordFormat
import Testing
import WireProtocol

@Suite(
    "The groups' log that Kafka 3.9 wrote",
    .enabled(
        if: KafkaDirectories.arePresent, "the directory shared/golden is not beside the project"))
struct KafkaGroupLogTests {
    private static let logs = [("group-b", 0), ("group-a", 1)] as [(String, Int)]

    private func records(_ partition: Int) throws -> [Record] {
        try KafkaDirectories.batches(
            of: "__consumer_offsets-\(partition)/00000000000000000000.log"
        ).flatMap(\.records)
    }

    @Test("is encoded again to the same bytes", arguments: logs)
    func sameBytes(group: String, partition: Int) throws {
        let all = try records(partition)
        #expect(all.count == 6)
        for entry in all {
            let key = try #require(entry.key)
            let record = try #require(try GroupRecord(key: key, value: entry.value))
            let encoded = GroupRecordCodec.encode(record)
            #expect(encoded.key == key && encoded.value == entry.value)
        }
    }

    @Test("yields the group, empty after its first generation, and its offsets", arguments: logs)
    func replayed(group: String, partition: Int) throws {
        let world = GroupScenario()
        try world.load(try records(partition))
        let described = try world.describe(group)
        #expect(described.groupState == "Empty" && described.protocolType == "consumer")
        #expect(try world.offset(of: "g-idempotent", 0, group: group) == 150)
        #expect(try world.offset(of: "g-idempotent", 1, group: group) == 150)
        let ticket = world.join { $0.group = group }
        world.pass(milliseconds: 0)
        #expect(world.joined(ticket)?.generationId == 3)
    }

    @Test("cut before the group was empty, shows its one member with its assignment")
    func member() throws {
        let world = GroupScenario()
        try world.load(Array(try records(0).prefix(1)))
        let described = try world.describe("group-b")
        #expect(described.groupState == "Stable" && described.protocolData == "range")
        let member = try #require(described.members.first)
        #expect(member.clientId == "rdkafka" && member.clientHost == "/127.0.0.1")
        let assignment = try ConsumerProtocolAssignment(
            versionPrefixed: member.memberAssignment)
        #expect(assignment.assignedPartitions.map(\.topic) == ["g-idempotent"])
        #expect(assignment.assignedPartitions.map(\.partitions) == [[0, 1]])
        #expect(try world.heartbeat(member.memberId, generation: 1, group: "group-b") == 0)
    }
}
