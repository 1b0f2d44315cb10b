package import WireProtocol

/// An answer to a request, or to the part of one that concerns a single group.
package enum GroupAnswer: Sendable {
    case join(JoinGroupResponse)
    case sync(SyncGroupResponse)
    case heartbeat(HeartbeatResponse)
    case leave(LeaveGroupResponse)
    case offsetCommit(OffsetCommitResponse)
    case offsetFetch(OffsetFetchResponse.OffsetFetchResponseGroup)
    case offsetDelete(OffsetDeleteResponse)
    case described(DescribeGroupsResponse.DescribedGroup)
    case listed([ListGroupsResponse.ListedGroup])
    case deleted(DeleteGroupsResponse.DeletableGroupResult)
    case consumerHeartbeat(ConsumerGroupHeartbeatResponse)
    case consumerDescribed(ConsumerGroupDescribeResponse.DescribedGroup)
}

extension GroupAnswer {
    /// What is in it, whichever it is.
    package var content: any Sendable {
        switch self {
        case .join(let response): response
        case .sync(let response): response
        case .heartbeat(let response): response
        case .leave(let response): response
        case .offsetCommit(let response): response
        case .offsetFetch(let group): group
        case .offsetDelete(let response): response
        case .described(let group): group
        case .listed(let groups): groups
        case .deleted(let result): result
        case .consumerHeartbeat(let response): response
        case .consumerDescribed(let group): group
        }
    }

    /// What is said in this answer's place when what it rests on did not become durable.
    ///
    /// Errors that the answer gives anyway stay.
    package func refused(with code: ErrorCode) -> GroupAnswer {
        switch self {
        case .join(let response):
            if response.errorCode != 0 { return self }
            return .join(.refusal(code, member: response.memberId))
        case .sync(let response): return .sync(response.refused(with: code))
        case .heartbeat(let response): return .heartbeat(response.refused(with: code))
        case .leave(let response): return .leave(response.refused(with: code))
        case .offsetCommit(let response): return .offsetCommit(response.refused(with: code))
        case .offsetFetch(let response):
            return .offsetFetch(.refusal(code, group: response.groupId))
        case .offsetDelete(let response): return .offsetDelete(response.refused(with: code))
        case .described(let group): return .described(.refusal(code, group: group.groupId))
        case .listed: return self
        case .deleted(let result): return .deleted(result.refused(with: code))
        case .consumerHeartbeat(let response):
            if response.errorCode != 0 { return self }
            return .consumerHeartbeat(
                .refusal(Refusal(code, "The change could not be stored.")))
        case .consumerDescribed(let group):
            return .consumerDescribed(.refusal(code, group: group.groupId))
        }
    }
}

extension JoinGroupResponse {
    package static func refusal(_ code: ErrorCode, member: String) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.errorCode = code.rawValue
        response.memberId = member
        response.protocolName = nil
        return response
    }
}

/// An answer with an error for all of it.
package protocol CodedAnswer: Sendable {
    init()
    var errorCode: Int16 { get set }
}

extension CodedAnswer {
    package static func refusal(_ code: ErrorCode) -> Self {
        var answer = Self()
        answer.errorCode = code.rawValue
        return answer
    }

    /// With the code, if it had none.
    func refused(with code: ErrorCode) -> Self {
        var answer = self
        if answer.errorCode == 0 { answer.errorCode = code.rawValue }
        return answer
    }
}

extension SyncGroupResponse: CodedAnswer {}
extension HeartbeatResponse: CodedAnswer {}
extension LeaveGroupResponse: CodedAnswer {}

extension OffsetCommitResponse {
    /// With the code for every partition that had none.
    func refused(with code: ErrorCode) -> OffsetCommitResponse {
        var response = self
        for topic in response.topics.indices {
            for index in response.topics[topic].partitions.indices
            where response.topics[topic].partitions[index].errorCode == 0 {
                response.topics[topic].partitions[index].errorCode = code.rawValue
            }
        }
        return response
    }
}

extension OffsetDeleteResponse: CodedAnswer {
    /// An answer with an error has no partitions.
    func refused(with code: ErrorCode) -> OffsetDeleteResponse {
        errorCode == 0 ? .refusal(code) : self
    }
}

/// The part of an answer that is about one group.
package protocol GroupsAnswer: CodedAnswer {
    var groupId: String { get set }
}

extension GroupsAnswer {
    /// A whole group's refusal: nothing else is said of it.
    package static func refusal(_ code: ErrorCode, group: String) -> Self {
        var answer = refusal(code)
        answer.groupId = group
        return answer
    }
}

/// A group as operators see it, of either protocol.
package protocol DescribedGroup: GroupsAnswer {
    var errorMessage: String? { get set }
}

extension DescribedGroup {
    package static func refusal(_ code: ErrorCode, group: String, message: String?) -> Self {
        var answer = refusal(code, group: group)
        answer.errorMessage = message
        return answer
    }
}

extension OffsetFetchResponse.OffsetFetchResponseGroup: GroupsAnswer {}
extension DeleteGroupsResponse.DeletableGroupResult: GroupsAnswer {}
extension DescribeGroupsResponse.DescribedGroup: DescribedGroup {}
extension ConsumerGroupDescribeResponse.DescribedGroup: DescribedGroup {}
