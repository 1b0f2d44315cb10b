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
        let image = view.now.image
        let isByID = call.version >= 10
        let sorted = SortedPartitions(
            request.topics, unknown: isByID ? .unknownTopicId : .unknownTopicOrPartition
        ) { isByID ? image.topic($0.topicId) : image.topic(named: $0.name) }
        if sorted.accepted.isEmpty { return call.answer(.init(sorted.answers([]), to: request)) }
        var accepted = request
        accepted.topics = sorted.accepted
        let asked = accepted
        groups.submit(asked.groupId, for: call) {
            $0.commitOffsets(asked, $1)
        } answer: { (result: Result<OffsetCommitResponse, Refusal>) in
            switch result {
            case .success(let response):
                call.answer(.init(sorted.answers(response.topics), to: request))
            case .failure(let refusal):
                call.answer(.init(sorted.answers([], otherwise: refusal.code), to: request))
            }
        }
    }
}

extension OffsetCommitResponse {
    /// Puts in the topics' ids, where the request had them.
    fileprivate init(_ answers: [OffsetCommitResponseTopic], to request: OffsetCommitRequest) {
        self.init()
        topics = zip(answers, request.topics).map { answer, asked in
            var answer = answer
            answer.topicId = asked.topicId
            return answer
        }
    }
}
