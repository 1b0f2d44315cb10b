internal import Coordination
internal import Primitives
internal import WireProtocol

/// DeleteRecords, versions 0 to 2: raises the log start offset; -1 means up to the high watermark.
///
/// Topics that are only compacted keep theirs. Segments that lie wholly below are removed by the housekeeping. With an in-sync set of one the
/// new start holds as soon as it is answered.
struct DeleteRecordsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...2

    let view: CurrentView

    func handle(_ request: DeleteRecordsRequest, _ call: Call<DeleteRecordsResponse>) {
        let cluster = view.now
        var response = DeleteRecordsResponse()
        for topic in request.topics {
            var answer = DeleteRecordsResponse.DeleteRecordsTopicResult()
            answer.name = topic.name
            for asked in topic.partitions {
                var part = DeleteRecordsResponse.DeleteRecordsPartitionResult()
                part.partitionIndex = asked.partitionIndex
                part.lowWatermark = -1
                do throws(Refusal) {
                    if InternalTopics.contains(topic.name) {
                        throw Refusal(
                            .invalidTopicException, "\(topic.name) is the brokers' own topic")
                    }
                    let partition = try cluster.partition(topic.name, asked.partitionIndex)
                    guard partition.configuration.deletes else {
                        throw Refusal(
                            .policyViolation,
                            "cleanup.policy of \(topic.name) is compact: records go when newer"
                                + " ones of their keys come")
                    }
                    guard asked.offset >= -1 else {
                        throw Refusal(.offsetOutOfRange, "cannot delete up to \(asked.offset)")
                    }
                    part.lowWatermark =
                        try partition.deleteRecords(before: Offset(asked.offset)).rawValue
                } catch {
                    part.errorCode = error.code.rawValue
                }
                answer.partitions.append(part)
            }
            response.topics.append(answer)
        }
        call.answer(response)
    }
}
