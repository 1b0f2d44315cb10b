internal import Coordination
internal import Primitives
internal import WireProtocol

/// OffsetCommit, versions 0 to 10: stores how far a group has read, answered when that is committed.
///
/// - A member commits under its member id and generation; anyone may while the group has no
///   members. Version 0 was stored in ZooKeeper once; here it is a commit without a member.
/// - Each partition has its own error: one that does not exist, metadata that is too long.
/// - Topics by id from 10 (KIP-848's follow-up). Throttling is not done.
struct OffsetCommitHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...10

    let groups: GroupCoordinator
    let view: CurrentView

    func handle(_ request: OffsetCommitRequest, _ call: Call<OffsetCommitResponse>) {
        let sorted = sort(request, version: call.version)
        let accepted = sorted.accepted
        if accepted.topics.isEmpty { return call.answer(sorted.response(with: .success(.init()))) }
        groups.submit(accepted.groupId, for: call) {
            $0.commitOffsets(accepted, $1)
        } answer: { (result: Result<OffsetCommitResponse, Refusal>) in
            call.answer(sorted.response(with: result))
        }
    }

    /// A request taken apart: what goes to the coordinator, and what is refused before.
    private struct Sorted: Sendable {
        let all: OffsetCommitRequest
        var accepted: OffsetCommitRequest
        /// Of each topic's partitions; nil for those that were accepted.
        var refused: [[ErrorCode?]]

        /// The coordinator's answers in their places among the refusals.
        func response(with result: Result<OffsetCommitResponse, Refusal>) -> OffsetCommitResponse {
            var codes: [Int16] = []
            var failure = ErrorCode.unknownServerError
            switch result {
            case .success(let response):
                codes = response.topics.flatMap { $0.partitions.map(\.errorCode) }
            case .failure(let refusal): failure = refusal.code
            }
            var next = codes.makeIterator()
            var response = OffsetCommitResponse()
            response.topics = zip(all.topics, refused).map { topic, refused in
                var answer = OffsetCommitResponse.OffsetCommitResponseTopic()
                answer.name = topic.name
                answer.topicId = topic.topicId
                answer.partitions = zip(topic.partitions, refused).map { partition, refused in
                    var part = OffsetCommitResponse.OffsetCommitResponsePartition()
                    part.partitionIndex = partition.partitionIndex
                    part.errorCode = refused?.rawValue ?? next.next() ?? failure.rawValue
                    return part
                }
                return answer
            }
            return response
        }
    }

    private func sort(_ request: OffsetCommitRequest, version: Int16) -> Sorted {
        let image = view.now.image
        var sorted = Sorted(all: request, accepted: request, refused: [])
        sorted.accepted.topics = []
        for topic in request.topics {
            let known =
                version >= 10 ? image.topic(topic.topicId) : image.topic(named: topic.name)
            let refusals = topic.partitions.map { partition -> ErrorCode? in
                guard let known else {
                    return version >= 10 ? .unknownTopicId : .unknownTopicOrPartition
                }
                return known.hasPartition(partition.partitionIndex)
                    ? nil : .unknownTopicOrPartition
            }
            sorted.refused.append(refusals)
            guard let known, refusals.contains(where: { $0 == nil }) else { continue }
            var accepted = topic
            accepted.name = known.name
            accepted.partitions = zip(topic.partitions, refusals).compactMap { partition, refusal in
                refusal == nil ? partition : nil
            }
            sorted.accepted.topics.append(accepted)
        }
        return sorted
    }
}
