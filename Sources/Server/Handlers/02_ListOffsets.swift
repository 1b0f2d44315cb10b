internal import Coordination
internal import LogCore
internal import Primitives
internal import WireProtocol

/// ListOffsets, versions 0 to 11.
///
/// - A time of -1 asks for the end (the high watermark; with `isolation_level` 1 the last stable
///   offset), -2 and -4 for the log start, -3 for the record with the largest timestamp (KIP-734);
///   -5 and -6 concern tiered storage, which there is none of: no offset.
/// - Any other time gives the first record at or after it, which may open one batch. Records behind
///   the end are not told.
/// - Version 0 (KIP-896 dropped it in Kafka 4, old clients still send it) gives a list of one
///   offset.
struct ListOffsetsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...11

    let view: CurrentView

    func handle(_ request: ListOffsetsRequest, _ call: Call<ListOffsetsResponse>) {
        let cluster = view.now
        var response = ListOffsetsResponse()
        for topic in request.topics {
            var answer = ListOffsetsResponse.ListOffsetsTopicResponse()
            answer.name = topic.name
            for asked in topic.partitions {
                var part = ListOffsetsResponse.ListOffsetsPartitionResponse()
                part.partitionIndex = asked.partitionIndex
                do throws(Refusal) {
                    let partition = try cluster.partition(topic.name, asked.partitionIndex)
                    try partition.check(currentLeaderEpoch: asked.currentLeaderEpoch)
                    let isolation = Isolation(level: request.isolationLevel)
                    if let found = try partition.find(time: asked.timestamp, isolation) {
                        part.offset = found.offset.rawValue
                        part.timestamp = found.timestamp.rawValue
                        part.leaderEpoch = found.leaderEpoch.rawValue
                        part.oldStyleOffsets = asked.maxNumOffsets > 0 ? [part.offset] : []
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

/// An offset as ListOffsets answers it.
private struct FoundOffset {
    let offset: Offset
    var timestamp = Timestamp.none
    let leaderEpoch: LeaderEpoch

    /// The log's start or end, which has no time.
    init(_ offset: Offset, _ leaderEpoch: LeaderEpoch) {
        self.offset = offset
        self.leaderEpoch = leaderEpoch
    }

    init(_ record: TimestampedOffset) {
        offset = record.offset
        timestamp = record.timestamp
        leaderEpoch = record.leaderEpoch
    }
}

extension Partition {
    /// What ListOffsets' special times and real times stand for; nil where there is no such record.
    fileprivate func find(
        time: Int64, _ isolation: Isolation
    ) throws(Refusal) -> FoundOffset? {
        do throws(LogError) {
            switch time {
            case -1:
                return FoundOffset(try end(isolation), leaderEpoch)
            case -2, -4:
                let start = try log.logStartOffset
                return FoundOffset(start, try log.leaderEpoch(of: start))
            case ..<(-3):
                return nil
            default:
                let found =
                    time == -3
                    ? try log.maxTimestamp() : try log.offset(forTimestamp: Timestamp(time))
                guard let found, found.offset < (try end(isolation)) else { return nil }
                return FoundOffset(found)
            }
        } catch {
            throw Refusal(error)
        }
    }
}
