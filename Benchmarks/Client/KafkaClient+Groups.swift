internal import Primitives
internal import WireProtocol

/// What consumers ask a coordinator for.
extension KafkaClient {
    /// Newest versions whose fields all of Kafka's releases that matter know.
    static let commitVersion: Int16 = 7
    static let offsetFetchVersion: Int16 = 7
    private static let findCoordinatorVersion: Int16 = 2
    private static let listOffsetsVersion: Int16 = 5

    /// COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR
    static let notYet: [Int16] = [14, 15, 16]

    /// Waits until somebody coordinates the group; the first call of a cluster's life makes the
    /// topic that holds groups.
    func findCoordinator(of group: String) throws(BenchmarkFailed) {
        var request = FindCoordinatorRequest()
        request.key = group
        while true {
            let response = try call(request, version: Self.findCoordinatorVersion)
            if response.errorCode == 0 { return }
            guard Self.notYet.contains(response.errorCode) else {
                throw BenchmarkFailed("no coordinator: \(response)")
            }
            pause(milliseconds: 1)
        }
    }

    /// The end of each partition of a topic.
    func logEnds(of topic: String, partitions: Int) throws(BenchmarkFailed) -> [Int64] {
        var asked = ListOffsetsRequest.ListOffsetsTopic()
        asked.name = topic
        asked.partitions = (0..<partitions).map { index in
            var partition = ListOffsetsRequest.ListOffsetsPartition()
            partition.partitionIndex = Int32(index)
            // The latest.
            partition.timestamp = -1
            return partition
        }
        var request = ListOffsetsRequest()
        request.replicaId = -1
        request.topics = [asked]
        let response = try call(request, version: Self.listOffsetsVersion)
        let answers = response.topics.first?.partitions ?? []
        guard answers.count == partitions, answers.allSatisfy({ $0.errorCode == 0 }) else {
            throw BenchmarkFailed("the ends of \(topic) were refused: \(response)")
        }
        return answers.sorted { $0.partitionIndex < $1.partitionIndex }.map(\.offset)
    }
}

extension OffsetCommitRequest.OffsetCommitRequestTopic {
    /// The same offset for partitions 0 to `partitions`.
    init(_ topic: String, partitions: Range<Int>, offset: Int64) {
        self.init()
        name = topic
        self.partitions = partitions.map { index in
            var partition = OffsetCommitRequest.OffsetCommitRequestPartition()
            partition.partitionIndex = Int32(index)
            partition.committedOffset = offset
            return partition
        }
    }
}

extension OffsetCommitResponse {
    /// The first error of a partition; 0: none.
    var firstError: Int16 {
        for topic in topics {
            for partition in topic.partitions where partition.errorCode != 0 {
                return partition.errorCode
            }
        }
        return 0
    }
}
