internal import Primitives
internal import Testing
internal import WireProtocol

@Suite struct RecordTests {
    private let topicID = UUID128(high: 0x0102_0304_0506_0708, low: 0x090a_0b0c_0d0e_0f10)

    @Test("a metadata record carries frame version, type and version before its body")
    func metadataFrame() throws {
        var change = PartitionChangeRecord()
        change.partitionId = 1
        change.topicId = topicID
        change.leader = 2
        let bytes = MetadataRecord.partitionChange(change).encoded(version: 0)
        #expect(
            bytes.array == [1, 5, 0] + [0, 0, 0, 1] + Array(1...16) + [1, 1, 4, 0, 0, 0, 2])
        let (record, version) = try MetadataRecord.decode(bytes)
        #expect(version == 0)
        guard case .partitionChange(let read) = record else {
            Issue.record("read as \(record)")
            return
        }
        #expect(read.leader == 2)
        #expect(read.isr == nil)
    }

    @Test(
        "a metadata record of unknown frame, type or version is refused",
        arguments: [[2, 5, 0], [1, 99, 0], [1, 2, 7], [1, 2, 0xff, 0xff, 0xff, 0xff, 0x0f], []])
    func metadataRefused(bytes: [UInt8]) {
        #expect(throws: DecodeError.self) { try MetadataRecord.decode(Bytes(bytes)) }
    }

    @Test("an empty record of each version is framed and read again")
    func noOp() throws {
        let bytes = MetadataRecord.noOp(NoOpRecord()).encoded()
        #expect(bytes.array == [1, 20, 0, 0])
        #expect(try MetadataRecord.decode(bytes).record.recordType == 20)
    }

    @Test("an offset commit has Kafka's layout in key and value")
    func offsetCommit() throws {
        var key = OffsetCommitKey()
        key.group = "g"
        key.topic = "t"
        key.partition = 3
        var value = OffsetCommitValue()
        value.offset = 7
        value.leaderEpoch = 1
        value.commitTimestamp = 9
        let record = GroupRecord.offsetCommit(key, value)
        #expect(record.encodedKey().array == [0, 1, 0, 1, 0x67, 0, 1, 0x74, 0, 0, 0, 3])
        let bytes = try #require(record.encodedValue(version: 3))
        #expect(
            bytes.array
                == [0, 3] + [0, 0, 0, 0, 0, 0, 0, 7] + [0, 0, 0, 1] + [0, 0]
                + [0, 0, 0, 0, 0, 0, 0, 9])
        guard
            case .offsetCommit(let readKey, let readValue) = try GroupRecord(
                key: record.encodedKey(), value: bytes)
        else {
            Issue.record("not read as an offset commit")
            return
        }
        #expect(readKey.partition == 3)
        #expect(readValue?.offset == 7)
    }

    @Test("an old key type stands for the same record, a tombstone has no value")
    func aliasAndTombstone() throws {
        let key: [UInt8] = [0, 0, 0, 1, 0x67, 0, 1, 0x74, 0, 0, 0, 3]
        let record = try #require(try GroupRecord(key: Bytes(key), value: nil))
        #expect(record.value == nil)
        #expect(record.encodedValue(version: 3) == nil)
        #expect(record.encodedKey().array.prefix(2) == [0, 1])
    }

    @Test("a record type of a later release is no error")
    func unknownType() throws {
        #expect(try GroupRecord(key: Bytes([0x11, 0, 1]), value: nil) == nil)
        #expect(try TransactionRecord(key: Bytes([0, 9]), value: nil) == nil)
        #expect(throws: DecodeError.self) { try GroupRecord(key: Bytes([0]), value: nil) }
    }

    @Test("what a consumer tells its group stands behind its version")
    func subscription() throws {
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = ["t"]
        let bytes = subscription.versionPrefixed(0)
        #expect(
            bytes.array == [0, 0] + [0, 0, 0, 1] + [0, 1, 0x74] + [0xff, 0xff, 0xff, 0xff])
        #expect(try ConsumerProtocolSubscription(versionPrefixed: bytes).topics == ["t"])
    }

    @Test("a value of an unknown version is refused")
    func unknownValueVersion() {
        let key: [UInt8] = [0, 2, 0, 1, 0x67]
        #expect(throws: DecodeError.self) {
            try GroupRecord(key: Bytes(key), value: Bytes([0, 9, 0, 0]))
        }
    }
}
