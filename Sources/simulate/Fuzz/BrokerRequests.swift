internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// Well-formed requests of every API that the broker serves, about its two topics.
struct BrokerRequests {
    /// Of the first topic, for versions that know no names.
    let topicID: UUID128

    let name = BrokerUnderFire.topics[0]

    var all: [any RequestMessage] {
        records + metadata + topicChanges + settings + groups
    }

    // MARK: Records

    private var records: [any RequestMessage] {
        var initProducer = InitProducerIdRequest()
        initProducer.transactionalId = nil
        var epochs = OffsetForLeaderEpochRequest()
        var epochTopic = OffsetForLeaderEpochRequest.OffsetForLeaderTopic()
        epochTopic.topic = name
        epochTopic.partitions = [.init()]
        epochs.topics = [epochTopic]
        var deletion = DeleteRecordsRequest()
        var deletionTopic = DeleteRecordsRequest.DeleteRecordsTopic()
        deletionTopic.name = name
        deletionTopic.partitions = [.init()]
        deletion.topics = [deletionTopic]
        return Compression.allCases.map { produce(batch($0), acks: -1) }
            + [
                produce(batch(.none, isIdempotent: true), acks: 1), produce(batch(.none), acks: 0),
                fetch(waiting: 0), fetch(waiting: 5), initProducer, epochs, deletion,
            ] + [-1, -2, -3, 0].map { listOffsets($0) }
    }

    private func batch(_ codec: Compression, isIdempotent: Bool = false) -> Bytes {
        let producer = RecordBatchBuilder.Producer(
            id: ProducerID(1), epoch: ProducerEpoch(0), baseSequence: 0)
        var builder = RecordBatchBuilder(
            compression: codec, producer: isIdempotent ? producer : .none)
        for number in 0..<5 {
            builder.append(
                timestamp: Timestamp(LogTemplate.time + Int64(number)), key: Bytes("key"),
                value: Bytes("the value of record \(number)"),
                headers: [RecordHeader("h", Bytes("v"))])
        }
        return (try? builder.build()) ?? .empty
    }

    private func produce(_ records: Bytes, acks: Int16) -> ProduceRequest {
        var partition = ProduceRequest.PartitionProduceData()
        partition.records = .bytes(records)
        var topic = ProduceRequest.TopicProduceData()
        topic.name = name
        topic.topicId = topicID
        topic.partitionData = [partition]
        var request = ProduceRequest()
        request.acks = acks
        request.timeoutMs = 1000
        request.topicData = [topic]
        return request
    }

    private func fetch(waiting milliseconds: Int32) -> FetchRequest {
        var partition = FetchRequest.FetchPartition()
        partition.partitionMaxBytes = 10_000
        var topic = FetchRequest.FetchTopic()
        topic.topic = name
        topic.topicId = topicID
        topic.partitions = [partition]
        var request = FetchRequest()
        request.maxWaitMs = milliseconds
        request.minBytes = 1
        request.maxBytes = 20_000
        // A session, where the version has them.
        request.sessionEpoch = milliseconds == 0 ? -1 : 0
        request.topics = [topic]
        return request
    }

    private func listOffsets(_ timestamp: Int64) -> ListOffsetsRequest {
        var partition = ListOffsetsRequest.ListOffsetsPartition()
        partition.timestamp = timestamp
        var topic = ListOffsetsRequest.ListOffsetsTopic()
        topic.name = name
        topic.partitions = [partition]
        var request = ListOffsetsRequest()
        request.replicaId = -1
        request.topics = [topic]
        return request
    }

    // MARK: What there is

    private var metadata: [any RequestMessage] {
        var one = MetadataRequest.MetadataRequestTopic()
        one.name = name
        var some = MetadataRequest()
        some.topics = [one]
        some.allowAutoTopicCreation = false
        var every = MetadataRequest()
        every.topics = nil
        var directories = DescribeLogDirsRequest()
        directories.topics = nil
        var producers = DescribeProducersRequest()
        var producerTopic = DescribeProducersRequest.TopicRequest()
        producerTopic.name = name
        producerTopic.partitionIndexes = [0, 1]
        producers.topics = [producerTopic]
        var described = DescribeTopicPartitionsRequest.TopicRequest()
        described.name = name
        var cursor = DescribeTopicPartitionsRequest.Cursor()
        cursor.topicName = name
        var partitions = DescribeTopicPartitionsRequest()
        partitions.topics = [described]
        partitions.cursor = cursor
        return [
            some, every, directories, producers, partitions, DescribeClusterRequest(),
            ApiVersionsRequest(),
        ]
    }

    // MARK: Changes

    private var topicChanges: [any RequestMessage] {
        var config = CreateTopicsRequest.CreatableTopicConfig()
        config.name = "cleanup.policy"
        config.value = "compact"
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = "created"
        topic.numPartitions = 1
        topic.replicationFactor = 1
        topic.configs = [config]
        var creation = CreateTopicsRequest()
        creation.topics = [topic]
        var trial = creation
        trial.validateOnly = true
        var deleted = DeleteTopicsRequest.DeleteTopicState()
        deleted.name = "created"
        var deletion = DeleteTopicsRequest()
        deletion.topics = [deleted]
        deletion.topicNames = ["created"]
        var more = CreatePartitionsRequest.CreatePartitionsTopic()
        more.name = "created"
        more.count = 3
        more.assignments = nil
        var partitions = CreatePartitionsRequest()
        partitions.topics = [more]
        return [creation, trial, deletion, partitions]
    }

    private var settings: [any RequestMessage] {
        var described = DescribeConfigsRequest.DescribeConfigsResource()
        described.resourceType = 2
        described.resourceName = name
        described.configurationKeys = nil
        var description = DescribeConfigsRequest()
        description.resources = [described]
        description.includeSynonyms = true

        var value = AlterConfigsRequest.AlterableConfig()
        value.name = "retention.ms"
        value.value = "100000"
        var resource = AlterConfigsRequest.AlterConfigsResource()
        resource.resourceType = 2
        resource.resourceName = name
        resource.configs = [value]
        var alteration = AlterConfigsRequest()
        alteration.resources = [resource]

        var step = IncrementalAlterConfigsRequest.AlterableConfig()
        step.name = "max.message.bytes"
        step.value = "100000"
        var stepped = IncrementalAlterConfigsRequest.AlterConfigsResource()
        stepped.resourceType = 2
        stepped.resourceName = name
        stepped.configs = [step]
        var incremental = IncrementalAlterConfigsRequest()
        incremental.resources = [stepped]
        return [description, alteration, incremental]
    }
}
