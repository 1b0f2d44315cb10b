import Primitives
import RecordFormat
import Testing
import WireProtocol

/// A batch of text records as a client would send it.
func batch(
    _ values: [String], compression: Compression = .none,
    producer: RecordBatchBuilder.Producer = .none, timestamp: Timestamp? = nil, key: String? = "k"
) throws -> Bytes {
    let time = timestamp ?? PosixClock().wall()
    var builder = RecordBatchBuilder(compression: compression, producer: producer)
    for value in values {
        builder.append(timestamp: time, key: key.map { Bytes($0) }, value: Bytes(value))
    }
    return try builder.build()
}

func produceRequest(
    _ topic: String, _ records: Bytes, partition: Int32 = 0, acks: Int16 = -1
) -> ProduceRequest {
    var data = ProduceRequest.PartitionProduceData()
    data.index = partition
    data.records = .bytes(records)
    var entry = ProduceRequest.TopicProduceData()
    entry.name = topic
    entry.partitionData = [data]
    var request = ProduceRequest()
    request.acks = acks
    request.timeoutMs = 10_000
    request.topicData = [entry]
    return request
}

func fetchRequest(
    _ topic: String, from offset: Int64, partition: Int32 = 0, maxWaitMs: Int32 = 0,
    minBytes: Int32 = 1
) -> FetchRequest {
    var part = FetchRequest.FetchPartition()
    part.partition = partition
    part.fetchOffset = offset
    part.partitionMaxBytes = 1 << 20
    var entry = FetchRequest.FetchTopic()
    entry.topic = topic
    entry.partitions = [part]
    var request = FetchRequest()
    request.maxWaitMs = maxWaitMs
    request.minBytes = minBytes
    request.topics = [entry]
    return request
}

extension TestClient {
    func createTopic(
        _ name: String, partitions: Int32 = 1, settings: [(String, String)] = []
    ) throws {
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = name
        topic.numPartitions = partitions
        topic.replicationFactor = 1
        topic.configs = settings.map { name, value in
            var config = CreateTopicsRequest.CreatableTopicConfig()
            config.name = name
            config.value = value
            return config
        }
        var request = CreateTopicsRequest()
        request.topics = [topic]
        request.timeoutMs = 10_000
        let response = try call(request)
        #expect(response.topics.map(\.errorCode) == [0], "\(response.topics)")
    }

    func produce(
        _ topic: String, _ records: Bytes, partition: Int32 = 0, version: Int16 = 9
    ) throws -> ProduceResponse.PartitionProduceResponse {
        let request = produceRequest(topic, records, partition: partition)
        let response = try call(request, version: version)
        return try #require(response.responses.first?.partitionResponses.first)
    }

    /// The values from an offset on, as text.
    func values(_ topic: String, from offset: Int64, partition: Int32 = 0) throws -> [String] {
        let response = try call(
            fetchRequest(topic, from: offset, partition: partition), version: 12)
        let part = try #require(response.responses.first?.partitions.first)
        #expect(part.errorCode == 0)
        guard case .bytes(let bytes) = part.records else { return [] }
        var values: [String] = []
        var batches = RecordBatches(bytes)
        while let batch = try batches.next() {
            try batch.validate(from: .log)
            var records = try batch.records(decompressionLimit: 1 << 24)
            for record in try records.rest() where record.offset.rawValue >= offset {
                values.append(record.value?.text ?? "")
            }
        }
        return values
    }
}

@Suite("Produce and Fetch over a socket")
struct ProduceFetchTests {
    @Test(
        "what is produced is fetched, in order, with the codec it came in",
        arguments: Compression.allCases)
    func roundTrip(compression: Compression) throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        #expect(
            try client.produce("t", batch(["a", "b"], compression: compression)).baseOffset == 0)
        #expect(try client.produce("t", batch(["c"], compression: compression)).baseOffset == 2)
        #expect(try client.values("t", from: 0) == ["a", "b", "c"])
        #expect(try client.values("t", from: 2) == ["c"])
        #expect(try client.values("t", from: 3) == [])
    }

    @Test(
        "every Produce version stores the record",
        arguments: [3, 5, 7, 8, 9, 10, 11, 12] as [Int16])
    func produceVersions(version: Int16) throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        let answer = try client.produce("t", batch(["x"]), version: version)
        #expect(answer.errorCode == 0)
        #expect(try client.values("t", from: 0) == ["x"])
    }

    @Test("a topic is named by its id from Produce 13 and Fetch 13 on")
    func topicIDs() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        var all = MetadataRequest()
        all.topics = nil
        let topic = try #require(try client.call(all, version: 12).topics.first)
        var produce = produceRequest("", try batch(["x"]))
        produce.topicData[0].topicId = topic.topicId
        #expect(
            try client.call(produce, version: 13).responses[0].partitionResponses[0].errorCode == 0)
        var fetch = fetchRequest("", from: 0)
        fetch.topics[0].topicId = topic.topicId
        let found = try client.call(fetch, version: 16).responses[0].partitions[0]
        #expect((found.records?.count ?? 0) > 0)
        fetch.topics[0].topicId = UUID128(high: 1, low: 1)
        let missing = try client.call(fetch, version: 16).responses[0].partitions[0]
        #expect(missing.errorCode == ErrorCode.unknownTopicId.rawValue)
    }

    @Test("a flipped bit is refused with CORRUPT_MESSAGE and nothing is stored")
    func corruptBatch() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        let good = try batch(["hello"])
        var bytes = good.array
        bytes[bytes.count - 2] ^= 1
        #expect(
            try client.produce("t", Bytes(bytes)).errorCode == ErrorCode.corruptMessage.rawValue)
        #expect(try client.produce("t", good).baseOffset == 0)
    }

    @Test("a batch of an older format is INVALID_RECORD", arguments: [0, 1] as [UInt8])
    func olderFormat(magic: UInt8) throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        var bytes = try batch(["hello"]).array
        bytes[16] = magic
        #expect(
            try client.produce("t", Bytes(bytes)).errorCode == ErrorCode.invalidRecord.rawValue)
    }

    @Test("a partition that does not exist is UNKNOWN_TOPIC_OR_PARTITION, its neighbour is served")
    func unknownPartition() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        let code = ErrorCode.unknownTopicOrPartition.rawValue
        #expect(try client.produce("t", batch(["x"]), partition: 7).errorCode == code)
        #expect(try client.produce("nope", batch(["x"])).errorCode == code)
        #expect(try client.produce("t", batch(["x"])).errorCode == 0)
    }

    @Test("a batch above max.message.bytes is MESSAGE_TOO_LARGE")
    func tooLarge() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t", settings: [("max.message.bytes", "200")])
        let text = String(repeating: "x", count: 300)
        #expect(
            try client.produce("t", batch([text])).errorCode == ErrorCode.messageTooLarge.rawValue)
        #expect(try client.produce("t", batch(["small"])).errorCode == 0)
    }

    @Test(
        "a repeated batch of an idempotent producer is answered with its first offset, also after a restart"
    )
    func duplicates() throws {
        let fixture = try BrokerFixture()
        var client = try fixture.connect()
        try client.createTopic("t")
        var request = InitProducerIdRequest()
        request.transactionalId = nil
        let given = try client.call(request, version: 4)
        #expect(given.errorCode == 0)
        func numbered(_ sequence: Int32) throws -> Bytes {
            try batch(
                ["s\(sequence)"],
                producer: .init(
                    id: ProducerID(given.producerId), epoch: ProducerEpoch(given.producerEpoch),
                    baseSequence: sequence))
        }
        #expect(try client.produce("t", numbered(0)).baseOffset == 0)
        #expect(try client.produce("t", numbered(1)).baseOffset == 1)
        #expect(try client.produce("t", numbered(0)).baseOffset == 0)
        let gap = try client.produce("t", numbered(3))
        #expect(gap.errorCode == ErrorCode.outOfOrderSequenceNumber.rawValue)
        try fixture.restart()
        client = try fixture.connect()
        #expect(try client.produce("t", numbered(1)).baseOffset == 1)
        #expect(try client.produce("t", numbered(2)).baseOffset == 2)
        #expect(try client.values("t", from: 0) == ["s0", "s1", "s2"])
    }

    @Test("acks=0 gets no answer; a refusal closes the connection")
    func fireAndForget() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        try client.send(produceRequest("t", batch(["x"]), acks: 0), version: 9)
        #expect(try client.values("t", from: 0) == ["x"])
        try client.send(produceRequest("nope", batch(["x"]), acks: 0), version: 9)
        #expect(client.isClosedByPeer())
        #expect(try fixture.connect().values("t", from: 0) == ["x"])
    }

    @Test("a long poll is answered by the append, and by its deadline when there is none")
    func longPoll() throws {
        let fixture = try BrokerFixture()
        let consumer = try fixture.connect()
        let producer = try fixture.connect()
        // Of two loops the third connection has the first one's.
        let neighbour = try fixture.connect()
        try producer.createTopic("t")
        let clock = PosixClock()
        let start = clock.monotonic()
        let waiting = try consumer.send(fetchRequest("t", from: 0, maxWaitMs: 15_000), version: 12)
        // When the loop has had two more turns, the fetch is parked.
        for _ in 0..<2 { _ = try neighbour.call(ApiVersionsRequest(), version: 2) }
        #expect(!consumer.hasAnswer)
        #expect(try producer.produce("t", batch(["x"])).errorCode == 0)
        defer { #expect(clock.monotonic().milliseconds(since: start) < 15_000) }
        let answer = try consumer.receive(FetchRequest.self, version: 12, correlation: waiting)
        #expect((answer.responses[0].partitions[0].records?.count ?? 0) > 0)
        let empty = try consumer.call(fetchRequest("t", from: 1, maxWaitMs: 50), version: 12)
        #expect(empty.responses[0].partitions[0].records?.count == 0)
        #expect(empty.responses[0].partitions[0].highWatermark == 1)
    }

    @Test("a long poll waits beside a partition that is not there, and not for nothing else")
    func longPollOfUnknown() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        var request = fetchRequest("t", from: 0, maxWaitMs: 300)
        request.topics += fetchRequest("gone", from: 0).topics
        let clock = PosixClock()
        let start = clock.monotonic()
        let both = try client.call(request, version: 12)
        #expect(clock.monotonic().milliseconds(since: start) >= 300)
        let unknown = ErrorCode.unknownTopicOrPartition.rawValue
        #expect(both.responses.map { $0.partitions[0].errorCode } == [0, unknown])

        request = fetchRequest("gone", from: 0, maxWaitMs: 600_000)
        let one = try client.call(request, version: 12)
        #expect(one.responses[0].partitions[0].errorCode == unknown)
    }

    @Test("a fetch does not wait for more than its answer may hold")
    func leastAboveMost() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        let records = try batch(["x"])
        #expect(try client.produce("t", records).errorCode == 0)
        var request = fetchRequest("t", from: 0, maxWaitMs: 600_000, minBytes: 1 << 20)
        request.maxBytes = Int32(records.count)
        let answer = try client.call(request, version: 12)
        #expect(answer.responses[0].partitions[0].records?.count == records.count)
    }

    @Test("behind a partition with data come whole first batches or none")
    func laterPartitions() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t", partitions: 2)
        let records = try batch([String(repeating: "x", count: 500)])
        for partition: Int32 in 0...1 {
            #expect(try client.produce("t", records, partition: partition).errorCode == 0)
        }
        var request = fetchRequest("t", from: 0, maxWaitMs: 600_000, minBytes: 1 << 20)
        var second = request.topics[0].partitions[0]
        second.partition = 1
        second.partitionMaxBytes = 100
        request.topics[0].partitions.append(second)
        // The second has more, so there is nothing to wait for.
        let answer = try client.call(request, version: 12)
        let counts = answer.responses[0].partitions.map { $0.records?.count ?? 0 }
        #expect(counts == [records.count, 0])
    }

    @Test("a fetch that wants more than its segment has left does not wait for more")
    func segmentEnd() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t", settings: [("internal.segment.bytes", "100")])
        for value in ["one", "two"] { _ = try client.produce("t", batch([value])) }
        let start = PosixClock().monotonic()
        let request = fetchRequest("t", from: 0, maxWaitMs: 15_000, minBytes: 1000)
        let answer = try client.call(request, version: 12)
        #expect((answer.responses[0].partitions[0].records?.count ?? 0) > 0)
        #expect(PosixClock().monotonic().milliseconds(since: start) < 10_000)
    }

    @Test("a fetch beyond the end is OFFSET_OUT_OF_RANGE")
    func outOfRange() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        let answer = try client.call(fetchRequest("t", from: 5), version: 12)
        #expect(answer.responses[0].partitions[0].errorCode == ErrorCode.offsetOutOfRange.rawValue)
    }

    @Test("a topic with a codec of its own stores every batch with it")
    func recompression() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t", settings: [("compression.type", "zstd")])
        #expect(try client.produce("t", batch(["one", "two"], compression: .gzip)).errorCode == 0)
        let answer = try client.call(fetchRequest("t", from: 0), version: 12)
        guard case .bytes(let bytes) = answer.responses[0].partitions[0].records else {
            throw FixtureError("no records")
        }
        let stored = try RecordBatch(atFrontOf: bytes)
        #expect(stored.header.compression == .zstd)
        #expect(try client.values("t", from: 0) == ["one", "two"])
    }

    @Test("LogAppendTime gives the broker's time, and the answer tells it")
    func logAppendTime() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t", settings: [("message.timestamp.type", "LogAppendTime")])
        let before = PosixClock().wall().rawValue
        let answer = try client.produce("t", batch(["x"], timestamp: Timestamp(1)))
        #expect(answer.logAppendTimeMs >= before)
        #expect(try client.values("t", from: 0) == ["x"])
    }

    @Test("timestamps outside the topic's bounds are INVALID_TIMESTAMP")
    func timestampBounds() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t", settings: [("message.timestamp.before.max.ms", "1000")])
        let now = PosixClock().wall().rawValue
        let code = ErrorCode.invalidTimestamp.rawValue
        #expect(
            try client.produce("t", batch(["old"], timestamp: Timestamp(now - 60_000))).errorCode
                == code)
        #expect(
            try client.produce("t", batch(["far"], timestamp: Timestamp(now + 7_200_000))).errorCode
                == code)
        #expect(try client.produce("t", batch(["now"], timestamp: Timestamp(now))).errorCode == 0)
    }

    @Test("a compacted topic takes no record without a key")
    func keylessRecord() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t", settings: [("cleanup.policy", "compact")])
        let refused = try client.produce("t", batch(["x"], key: nil))
        #expect(refused.errorCode == ErrorCode.invalidRecord.rawValue)
        #expect(refused.recordErrors.map(\.batchIndex) == [0])
        #expect(try client.produce("t", batch(["x"])).errorCode == 0)
    }
}
