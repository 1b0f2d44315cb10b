internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// The least of a Kafka client: frames made by hand, one call after another.
struct KafkaClient {
    let socket: BlockingSocket

    static let produceVersion: Int16 = 9
    static let fetchVersion: Int16 = 11
    private static let createTopicsVersion: Int16 = 5

    /// A request with its length.
    static func frame(_ request: some RequestMessage, version: Int16) -> Bytes {
        var writer = ByteWriter(capacity: 1024)
        writer.write(0 as Int32)
        RequestHeader(
            apiKey: type(of: request).apiKey, apiVersion: version, correlationId: 1,
            clientId: "benchmark"
        ).encode(into: &writer)
        request.encode(into: &writer, version: version)
        writer.patch(Int32(writer.totalCount - 4), at: 0)
        return writer.finish()
    }

    /// The response in a frame without its length.
    static func response<Request: RequestMessage>(
        to _: Request.Type, _ frame: Bytes, version: Int16
    ) throws(BenchmarkFailed) -> Request.Response {
        do throws(DecodeError) {
            var reader = ByteReader(frame)
            _ = try ResponseHeader(from: &reader, apiKey: Request.apiKey, apiVersion: version)
            let response = try Request.Response(from: &reader, version: version)
            try reader.expectEnd()
            return response
        } catch { throw BenchmarkFailed("\(Request.apiKey) was answered with nonsense: \(error)") }
    }

    func call<Request: RequestMessage>(
        _ request: Request, version: Int16
    ) throws(BenchmarkFailed) -> Request.Response {
        try send(request, version: version)
        return try receive(Request.self, version: version)
    }

    /// The first half of a call, for who has many under way.
    func send(_ request: some RequestMessage, version: Int16) throws(BenchmarkFailed) {
        try socket.send(Self.frame(request, version: version))
    }

    /// The second half.
    func receive<Request: RequestMessage>(
        _: Request.Type, version: Int16
    ) throws(BenchmarkFailed) -> Request.Response {
        try Self.response(to: Request.self, try socket.receiveFrame(), version: version)
    }

    func createTopic(_ name: String, partitions: Int) throws(BenchmarkFailed) {
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = name
        topic.numPartitions = Int32(partitions)
        topic.replicationFactor = 1
        var request = CreateTopicsRequest()
        request.topics = [topic]
        let response = try call(request, version: Self.createTopicsVersion)
        guard let result = response.topics.first, result.errorCode == 0 else {
            throw BenchmarkFailed("topic \(name) was refused: \(response)")
        }
    }

    static func apiVersionsFrame() -> Bytes { frame(ApiVersionsRequest(), version: 0) }

    /// Produces and waits for the answer; tries again while the partition has no leader yet.
    func produceFirst(_ frame: Bytes) throws(BenchmarkFailed) -> Bytes {
        // UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER
        let early: [Int16] = [3, 5, 6]
        while true {
            try socket.send(frame)
            let answer = try socket.receiveFrame()
            let code = try Self.produced(answer).errorCode
            if code == 0 { return answer }
            guard early.contains(code) else { throw BenchmarkFailed("produce: error \(code)") }
            pause(milliseconds: 1)
        }
    }

    /// What a produce response for one partition says.
    static func produced(
        _ frame: Bytes
    ) throws(BenchmarkFailed) -> ProduceResponse.PartitionProduceResponse {
        let response = try response(to: ProduceRequest.self, frame, version: produceVersion)
        guard let partition = response.responses.first?.partitionResponses.first else {
            throw BenchmarkFailed("a produce response without a partition")
        }
        return partition
    }

    /// A produce request, acks=1, of one batch.
    static func produceFrame(
        topic: String, partition index: Int32 = 0, _ batch: Bytes
    ) -> Bytes {
        var partition = ProduceRequest.PartitionProduceData()
        partition.index = index
        partition.records = .bytes(batch)
        var data = ProduceRequest.TopicProduceData()
        data.name = topic
        data.partitionData = [partition]
        var request = ProduceRequest()
        request.acks = 1
        request.timeoutMs = 30_000
        request.topicData = [data]
        return frame(request, version: produceVersion)
    }

    /// A batch of about `bytes` in all (no more) with records of 1,000 bytes, or of `value` bytes
    /// where that is given.
    static func batch(bytes: Int, value: Int = 1000) throws(BenchmarkFailed) -> Bytes {
        var builder = RecordBatchBuilder(capacity: bytes)
        let now = PosixClock().wall()
        var generator = PosixRandom().next()
        // A record takes up to 16 bytes beside its value.
        repeat {
            let content = (0..<value).map { index in
                generator = generator &* 6_364_136_223_846_793_005 &+ 1
                return UInt8(truncatingIfNeeded: generator >> 40 &+ UInt64(index))
            }
            builder.append(timestamp: now, key: nil, value: Bytes(content))
        } while builder.sizeInBytes + value + 16 <= bytes
        do throws(CompressionError) { return try builder.build() } catch {
            throw BenchmarkFailed("\(error)")
        }
    }

    static func fetchFrame(
        topic: String, partition index: Int32 = 0, from offset: Int64, bytes: Int
    ) -> Bytes {
        var partition = FetchRequest.FetchPartition()
        partition.partition = index
        partition.fetchOffset = offset
        partition.partitionMaxBytes = Int32(bytes)
        var data = FetchRequest.FetchTopic()
        data.topic = topic
        data.partitions = [partition]
        var request = FetchRequest()
        request.maxWaitMs = 500
        request.minBytes = 1
        request.maxBytes = Int32(bytes)
        request.topics = [data]
        return frame(request, version: fetchVersion)
    }
}
