package import Client
package import Primitives
internal import RecordFormat
internal import WireProtocol

package enum TestRecords {
    package struct Failure: Error { package let code: Int16 }

    /// Appends records without keys, a second apart, whose values are "0", "1" and so on.
    package static func append(
        _ count: Int, to partition: TopicPartition, from time: Timestamp, _ cluster: Cluster
    ) async throws {
        var builder = RecordBatchBuilder()
        for number in 0..<count {
            builder.append(
                timestamp: Timestamp(time.rawValue + Int64(number) * 1000), key: nil,
                value: Bytes("\(number)"))
        }
        var part = ProduceRequest.PartitionProduceData()
        part.index = partition.partition.rawValue
        part.records = .bytes(try builder.build())
        var topic = ProduceRequest.TopicProduceData()
        topic.name = partition.topic
        topic.partitionData = [part]
        var request = ProduceRequest()
        request.acks = -1
        request.timeoutMs = 10_000
        request.topicData = [topic]
        let response = try await cluster.callLeader(of: partition, request, atMost: 12)
        let code = response.responses.first?.partitionResponses.first?.errorCode ?? -1
        guard code == 0 else { throw Failure(code: code) }
    }
}
