internal import Coordination
internal import Primitives
internal import WireProtocol

/// OffsetFetch, versions 0 to 10: how far groups have read, committed values only.
///
/// - One group up to version 7, any number from 8 on (KIP-709); all its topics where none is named.
/// - `requireStable` (KIP-447): partitions under an open transaction are refused, to be asked for
///   again.
/// - Topics by id from 10. A partition that does not exist has no offset, which is no error.
struct OffsetFetchHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...10

    private typealias Asked = OffsetFetchRequest.OffsetFetchRequestGroup
    private typealias Answered = OffsetFetchResponse.OffsetFetchResponseGroup

    let groups: GroupCoordinator
    let view: CurrentView

    func handle(_ request: OffsetFetchRequest, _ call: Call<OffsetFetchResponse>) {
        let asked = request.askedGroups(version: call.version)
        let isByID = call.version >= 10
        let named = isByID ? asked.map(name) : asked.map { (group: $0, unknown: []) }
        let requireStable = request.requireStable
        groups.submitEach(asked.map(\.groupId), for: call) {
            $0.fetchOffsets(named[$1].group, requireStable: requireStable, $2)
        } answer: { (answers: [Answered]) in
            let answers = zip(answers, named).map { answer, asked in
                var answer = answer
                if answer.errorCode == 0 {
                    answer.topics += asked.unknown
                } else if answer.errorCode == ErrorCode.coordinatorNotAvailable.rawValue {
                    // Consumers before 3.9 give up on that; this makes them look for it again.
                    answer.errorCode = ErrorCode.notCoordinator.rawValue
                }
                return isByID ? identify(answer) : answer
            }
            call.answer(.init(answers, to: asked, version: call.version))
        }
    }

    /// Topics by name, and the answer for those of which no id is known.
    private func name(
        _ group: Asked
    ) -> (group: Asked, unknown: [OffsetFetchResponse.OffsetFetchResponseTopics]) {
        guard let topics = group.topics else { return (group, []) }
        let image = view.now.image
        var named = group
        named.topics = []
        var unknown: [OffsetFetchResponse.OffsetFetchResponseTopics] = []
        for topic in topics {
            if let known = image.topic(topic.topicId) {
                var found = topic
                found.name = known.name
                named.topics?.append(found)
            } else {
                var answer = OffsetFetchResponse.OffsetFetchResponseTopics()
                answer.topicId = topic.topicId
                answer.partitions = topic.partitionIndexes.map {
                    .none(of: $0, code: .unknownTopicId)
                }
                unknown.append(answer)
            }
        }
        return (named, unknown)
    }

    /// The topics' ids, where all of a group's topics were asked for. A topic that is gone has none
    /// and is left out.
    private func identify(_ group: Answered) -> Answered {
        let image = view.now.image
        var group = group
        group.topics = group.topics.compactMap { topic in
            if topic.topicId != .zero { return topic }
            guard let id = image.topic(named: topic.name)?.id else { return nil }
            var identified = topic
            identified.topicId = id
            return identified
        }
        return group
    }
}

extension OffsetFetchResponse.OffsetFetchResponsePartitions {
    fileprivate static func none(of index: Int32, code: ErrorCode) -> Self {
        var part = Self()
        part.partitionIndex = index
        part.committedOffset = -1
        part.errorCode = code.rawValue
        return part
    }
}

extension OffsetFetchRequest {
    /// The groups in the newer form, whatever the version.
    fileprivate func askedGroups(version: Int16) -> [OffsetFetchRequestGroup] {
        if version >= 8 {
            // Each once: a short request must not lead to an answer many times its size.
            var seen: Set<String> = []
            return groups.filter { seen.insert($0.groupId).inserted }
        }
        var group = OffsetFetchRequestGroup()
        group.groupId = groupId
        group.topics = topics.map { list in
            list.map { topic in
                var asked = OffsetFetchRequestTopics()
                asked.name = topic.name
                asked.partitionIndexes = topic.partitionIndexes
                return asked
            }
        }
        return [group]
    }
}

extension OffsetFetchResponse {
    /// The answers in the form of the version. Before 2 a refusal stands with every partition.
    fileprivate init(
        _ answers: [OffsetFetchResponseGroup],
        to asked: [OffsetFetchRequest.OffsetFetchRequestGroup],
        version: Int16
    ) {
        self.init()
        if version >= 8 {
            groups = answers
            return
        }
        guard let group = answers.first else { return }
        errorCode = group.errorCode
        var found = group.topics
        if version < 2, let code = ErrorCode(rawValue: group.errorCode), code != .noError {
            found = (asked.first?.topics ?? []).map { topic in
                var answer = OffsetFetchResponseTopics()
                answer.name = topic.name
                answer.partitions = topic.partitionIndexes.map { .none(of: $0, code: code) }
                return answer
            }
        }
        topics = found.map { topic in
            var answer = OffsetFetchResponseTopic()
            answer.name = topic.name
            answer.partitions = topic.partitions.map { partition in
                var part = OffsetFetchResponsePartition()
                part.partitionIndex = partition.partitionIndex
                part.committedOffset = partition.committedOffset
                part.committedLeaderEpoch = partition.committedLeaderEpoch
                part.metadata = partition.metadata
                part.errorCode = partition.errorCode
                return part
            }
            return answer
        }
    }
}
