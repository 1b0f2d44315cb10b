import LogCore
import Primitives
import RecordFormat
import Testing
import WireProtocol

/// Records of transactions, put into a partition's log as its coordinator and producers would.
private struct TransactionWriter {
    let log: Log

    func append(
        _ values: [String], by id: Int64, sequence: Int32 = 0, timestamp: Int64 = 1000
    ) throws {
        var builder = RecordBatchBuilder(
            producer: .init(id: ProducerID(id), epoch: ProducerEpoch(0), baseSequence: sequence),
            isTransactional: true)
        for value in values {
            builder.append(timestamp: Timestamp(timestamp), key: nil, value: Bytes(value))
        }
        try log.append(builder.build(), leaderEpoch: .zero, now: Timestamp(timestamp))
    }

    func end(_ result: ControlRecord.TransactionResult, by id: Int64) throws {
        var builder = RecordBatchBuilder(
            producer: .init(id: ProducerID(id), epoch: ProducerEpoch(0), baseSequence: -1),
            isTransactional: true, isControl: true)
        builder.append(.endTransaction(result, coordinatorEpoch: 0), timestamp: Timestamp(1000))
        try log.append(builder.build(), leaderEpoch: .zero, now: Timestamp(1000))
    }
}

@Suite struct TransactionFetchTests {
    /// A broker whose partition "t-0" holds what `fill` puts into it.
    private func broker(
        _ fill: (TransactionWriter) throws -> Void
    ) throws -> (BrokerFixture, TestClient) {
        let fixture = try BrokerFixture()
        try fixture.connect().createTopic("t", settings: [("retention.ms", "-1")])
        try fixture.restart { path in
            let directory = try LogDirectory.open(
                path, world: .posix(log: CollectedLog()), defaults: LogConfiguration())
            let partition = TopicPartition(topic: "t", partition: PartitionIndex(0))
            try fill(TransactionWriter(log: try #require(directory.log(partition))))
            try directory.close()
        }
        return (fixture, try fixture.connect())
    }

    /// Offsets 0 and 1 aborted (marker 2), 3 committed (marker 4), 5 open, 6 of another, committed
    /// (marker 7).
    private func mixed(_ writer: TransactionWriter) throws {
        try writer.append(["a", "b"], by: 1)
        try writer.end(.abort, by: 1)
        try writer.append(["c"], by: 1, sequence: 2, timestamp: 2000)
        try writer.end(.commit, by: 1)
        try writer.append(["open"], by: 2, timestamp: 3000)
        try writer.append(["d"], by: 3, timestamp: 4000)
        try writer.end(.commit, by: 3)
    }

    private func fetch(
        _ client: TestClient, from offset: Int64, isolation: Int8, version: Int16 = 12,
        maxWaitMs: Int32 = 0
    ) throws -> FetchResponse.PartitionData {
        var request = fetchRequest("t", from: offset, maxWaitMs: maxWaitMs)
        request.isolationLevel = isolation
        let response = try client.call(request, version: version)
        return try #require(response.responses.first?.partitions.first)
    }

    private func offsets(_ part: FetchResponse.PartitionData) throws -> [Int64] {
        guard case .bytes(let bytes) = part.records else { return [] }
        var batches = RecordBatches(bytes)
        var all: [Int64] = []
        while let batch = try batches.next() {
            all += batch.header.baseOffset.rawValue...batch.header.lastOffset.rawValue
        }
        return all
    }

    @Test("a fetch of committed data ends at the last stable offset and lists what was aborted")
    func fetches() throws {
        let (fixture, client) = try broker(mixed)
        for version in [4, 12] as [Int16] {
            let committed = try fetch(client, from: 0, isolation: 1, version: version)
            #expect(committed.highWatermark == 8 && committed.lastStableOffset == 5)
            #expect(try offsets(committed) == [0, 1, 2, 3, 4])
            let aborted = try #require(committed.abortedTransactions)
            #expect(aborted.map(\.producerId) == [1] && aborted.map(\.firstOffset) == [0])
            let all = try fetch(client, from: 0, isolation: 0, version: version)
            #expect(all.highWatermark == 8 && all.lastStableOffset == 5)
            #expect(try offsets(all) == Array(0..<8))
            #expect(all.abortedTransactions == nil)
        }
        let later = try fetch(client, from: 3, isolation: 1)
        #expect(later.abortedTransactions?.isEmpty == true)
        let beyond = try fetch(client, from: 5, isolation: 1)
        #expect(try offsets(beyond).isEmpty && beyond.errorCode == 0)
        #expect(beyond.abortedTransactions?.isEmpty == true)
        withExtendedLifetime(fixture) {}
    }

    @Test("records behind the last stable offset end nobody's wait for committed ones")
    func waits() throws {
        let (fixture, client) = try broker(mixed)
        let other = try fixture.connect()
        var request = fetchRequest("t", from: 5, maxWaitMs: 400)
        request.isolationLevel = 1
        let waiting = try client.send(request, version: 12)
        #expect(try other.produce("t", batch(["plain"])).errorCode == 0)
        #expect(try offsets(fetch(other, from: 8, isolation: 0)) == [8])
        let response = try client.receive(FetchRequest.self, version: 12, correlation: waiting)
        let part = try #require(response.responses.first?.partitions.first)
        #expect(try offsets(part).isEmpty)
        // It was looked at again at the end of the wait, not answered before the record came.
        #expect(part.highWatermark == 9 && part.lastStableOffset == 5)
    }

    @Test("ListOffsets for committed data knows nothing behind the last stable offset")
    func listOffsets() throws {
        let (fixture, client) = try broker(mixed)
        func find(_ time: Int64, isolation: Int8) throws -> Int64 {
            var part = ListOffsetsRequest.ListOffsetsPartition()
            part.partitionIndex = 0
            part.timestamp = time
            var topic = ListOffsetsRequest.ListOffsetsTopic()
            topic.name = "t"
            topic.partitions = [part]
            var request = ListOffsetsRequest()
            request.isolationLevel = isolation
            request.topics = [topic]
            let response = try client.call(request, version: 7)
            let found = try #require(response.topics.first?.partitions.first)
            #expect(found.errorCode == 0)
            return found.offset
        }
        #expect(try find(-1, isolation: 0) == 8 && find(-1, isolation: 1) == 5)
        #expect(try find(-2, isolation: 1) == 0)
        #expect(try find(-3, isolation: 0) == 6 && find(-3, isolation: 1) == -1)
        #expect(try find(1500, isolation: 1) == 3)
        #expect(try find(2500, isolation: 0) == 5 && find(2500, isolation: 1) == -1)
        withExtendedLifetime(fixture) {}
    }

    @Test("DescribeProducers tells where a transaction that hangs began")
    func hanging() throws {
        let (fixture, client) = try broker(mixed)
        var topic = DescribeProducersRequest.TopicRequest()
        topic.name = "t"
        topic.partitionIndexes = [0]
        var request = DescribeProducersRequest()
        request.topics = [topic]
        let producers = try #require(
            try client.call(request).topics.first?.partitions.first?.activeProducers)
        #expect(producers.map(\.producerId) == [1, 2, 3])
        #expect(producers.map(\.currentTxnStartOffset) == [-1, 5, -1])
        withExtendedLifetime(fixture) {}
    }
}
