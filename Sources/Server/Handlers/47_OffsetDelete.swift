internal import Coordination
internal import WireProtocol

/// OffsetDelete, version 0 (KIP-496): forgets a group's offsets of partitions whose topic it does
/// not read at the moment.
struct OffsetDeleteHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...0

    let groups: GroupCoordinator
    let view: CurrentView

    func handle(_ request: OffsetDeleteRequest, _ call: Call<OffsetDeleteResponse>) {
        let image = view.now.image
        let sorted = SortedPartitions(request.topics, unknown: .unknownTopicOrPartition) {
            image.topic(named: $0.name)
        }
        var accepted = request
        accepted.topics = sorted.accepted
        // Also when nothing is left of it: that the group is not known concerns all of the request.
        let asked = accepted
        groups.submit(asked.groupId, for: call) {
            $0.deleteOffsets(asked, $1)
        } answer: { (result: Result<OffsetDeleteResponse, Refusal>) in
            var response = result.orElse { .refusal($0.code) }
            if response.errorCode == 0 { response.topics = sorted.answers(response.topics) }
            call.answer(response)
        }
    }
}
