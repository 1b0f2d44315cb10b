internal import Coordination
internal import LogCore
internal import Primitives
internal import WireProtocol

/// OffsetForLeaderEpoch, versions 2 to 4 (KIP-101, KIP-320): where a leader's reign ended, so that
/// a client or follower can tell whether what it holds is still the log's truth.
struct OffsetForLeaderEpochHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 2...4

    let view: CurrentView

    func handle(
        _ request: OffsetForLeaderEpochRequest, _ call: Call<OffsetForLeaderEpochResponse>
    ) {
        let cluster = view.now
        var response = OffsetForLeaderEpochResponse()
        for topic in request.topics {
            var answer = OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult()
            answer.topic = topic.topic
            for asked in topic.partitions {
                var part = OffsetForLeaderEpochResponse.EpochEndOffset()
                part.partition = asked.partition
                do throws(Refusal) {
                    let partition = try cluster.partition(topic.topic, asked.partition)
                    try partition.check(currentLeaderEpoch: asked.currentLeaderEpoch)
                    if let end = try partition.end(of: LeaderEpoch(asked.leaderEpoch)) {
                        part.leaderEpoch = end.epoch.rawValue
                        part.endOffset = end.endOffset.rawValue
                    }
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

extension Partition {
    fileprivate func end(of epoch: LeaderEpoch) throws(Refusal) -> EpochEnd? {
        do throws(LogError) {
            return try log.endOffset(forEpoch: epoch)
        } catch {
            throw Refusal(error)
        }
    }
}
