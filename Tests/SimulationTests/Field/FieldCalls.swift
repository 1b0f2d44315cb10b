import Primitives
import RecordFormat
import Testing
import WireProtocol

@testable import Simulation

/// Requests about the scene's first partition, and what of the answers matters.
extension FieldScene {
    /// Returns the error and the base offset.
    func produce(_ records: Bytes) throws -> (code: Int16, offset: Int64)? {
        var data = ProduceRequest.PartitionProduceData()
        data.records = .bytes(records)
        var topic = ProduceRequest.TopicProduceData()
        topic.name = Self.topicName
        topic.partitionData = [data]
        var request = ProduceRequest()
        request.acks = -1
        request.timeoutMs = 10_000
        request.topicData = [topic]
        let answer = try call(request, version: 9)?.responses.first?.partitionResponses.first
        return answer.map { ($0.errorCode, $0.baseOffset) }
    }

    func records(_ count: Int, producer: RecordBatchBuilder.Producer = .none) throws -> Bytes {
        var builder = RecordBatchBuilder(producer: producer)
        for index in 0..<count {
            builder.append(
                timestamp: scene.agenda.clock.wall(), key: nil,
                value: RecordMark(producer: 0, number: Int32(index)).encoded(padding: 0))
        }
        return try builder.build()
    }

    /// Returns whether it was made.
    func make(_ name: String) throws -> Bool {
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = name
        topic.numPartitions = 1
        topic.replicationFactor = 1
        var request = CreateTopicsRequest()
        request.timeoutMs = 10_000
        request.topics = [topic]
        return try call(request, version: 5)?.topics.first?.errorCode == 0
    }

    func end(of name: String = topicName, isolation: Int8 = 0) throws -> Int64? {
        var partition = ListOffsetsRequest.ListOffsetsPartition()
        partition.timestamp = -1
        var topic = ListOffsetsRequest.ListOffsetsTopic()
        topic.name = name
        topic.partitions = [partition]
        var request = ListOffsetsRequest()
        request.replicaId = -1
        request.isolationLevel = isolation
        request.topics = [topic]
        let answer = try call(request, version: 7)?.topics.first?.partitions.first
        return answer.flatMap { $0.errorCode == 0 ? $0.offset : nil }
    }

    /// Returns the error.
    func commit(_ offset: Int64) throws -> Int16? {
        var partition = OffsetCommitRequest.OffsetCommitRequestPartition()
        partition.committedOffset = offset
        var topic = OffsetCommitRequest.OffsetCommitRequestTopic()
        topic.name = Self.topicName
        topic.partitions = [partition]
        var request = OffsetCommitRequest()
        request.groupId = group.name
        request.topics = [topic]
        return try call(request, version: 8)?.topics.first?.partitions.first?.errorCode
    }

    /// Looks for the group's coordinator until there is one, which makes the offsets topic.
    func findCoordinator() throws {
        var request = FindCoordinatorRequest()
        request.key = group.name
        for _ in 0..<20 {
            if try call(request, version: 3)?.errorCode == 0 { return }
            try scene.pass(milliseconds: 100)
        }
        Issue.record("there is no coordinator")
    }

    /// Returns the error, and the offset where there is none.
    func committed() throws -> (code: Int16, offset: Int64)? {
        var topic = OffsetFetchRequest.OffsetFetchRequestTopics()
        topic.name = Self.topicName
        topic.partitionIndexes = [0]
        var asked = OffsetFetchRequest.OffsetFetchRequestGroup()
        asked.groupId = group.name
        asked.topics = [topic]
        var request = OffsetFetchRequest()
        request.groups = [asked]
        guard let answer = try call(request, version: 8)?.groups.first else { return nil }
        if answer.errorCode != 0 { return (answer.errorCode, -1) }
        let part = try #require(answer.topics.first?.partitions.first)
        return (part.errorCode, part.committedOffset)
    }

    /// What a consumer of committed records gets from `offset` on: the offsets of the records that
    /// it shows, and where it stands then.
    func readCommitted(from offset: Int64) throws -> (shown: [Int64], position: Int64) {
        var partition = FetchRequest.FetchPartition()
        partition.fetchOffset = offset
        partition.partitionMaxBytes = 1 << 20
        var topic = FetchRequest.FetchTopic()
        topic.topic = Self.topicName
        topic.partitions = [partition]
        var request = FetchRequest()
        request.isolationLevel = 1
        request.maxBytes = 1 << 20
        request.topics = [topic]
        let response = try #require(try call(request, version: 12))
        let data = try #require(response.responses.first?.partitions.first)
        guard case .bytes(let bytes)? = data.records else { return ([], offset) }
        var aborted = Set((data.abortedTransactions ?? []).map(\.producerId))
        var (shown, position): ([Int64], Int64) = ([], offset)
        var batches = RecordBatches(bytes)
        while let batch = try batches.next() {
            let header = batch.header
            position = header.nextOffset.rawValue
            if header.attributes.isControl { aborted.remove(header.producerID.rawValue) }
            let isHidden =
                header.attributes.isControl
                || header.attributes.isTransactional && aborted.contains(header.producerID.rawValue)
            if isHidden { continue }
            var cursor = try batch.records(decompressionLimit: 1 << 20)
            while let record = try cursor.next() { shown.append(record.offset.rawValue) }
        }
        return (shown, position)
    }
}
