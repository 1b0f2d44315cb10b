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
        let error = code.rawValue
        switch self {
        case .join(let response):
            if response.errorCode != 0 { return self }
            return .join(.refusal(code, member: response.memberId))
        case .sync(let response):
            return response.errorCode == 0 ? .sync(.refusal(code)) : self
        case .heartbeat(var response):
            if response.errorCode == 0 { response.errorCode = error }
            return .heartbeat(response)
        case .leave(var response):
            if response.errorCode == 0 { response.errorCode = error }
            return .leave(response)
        case .offsetCommit(let response): return .offsetCommit(response.refused(with: code))
        case .offsetFetch(let response):
            return .offsetFetch(.refusal(code, group: response.groupId))
        case .offsetDelete(let response): return .offsetDelete(response.refused(with: code))
        case .described(let group): return .described(.refusal(code, group: group.groupId))
        case .listed: return self
        case .deleted(var result):
            if result.errorCode == 0 { result.errorCode = error }
            return .deleted(result)
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

extension SyncGroupResponse {
    package static func refusal(_ code: ErrorCode) -> SyncGroupResponse {
        var response = SyncGroupResponse()
        response.errorCode = code.rawValue
        return response
    }
}

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

extension OffsetDeleteResponse {
    package static func refusal(_ code: ErrorCode) -> OffsetDeleteResponse {
        var response = OffsetDeleteResponse()
        response.errorCode = code.rawValue
        return response
    }

    func refused(with code: ErrorCode) -> OffsetDeleteResponse {
        errorCode == 0 ? .refusal(code) : self
    }
}

extension OffsetFetchResponse.OffsetFetchResponseGroup {
    /// A whole group's refusal; it names no partition.
    package static func refusal(_ code: ErrorCode, group: String) -> Self {
        var response = Self()
        response.groupId = group
        response.errorCode = code.rawValue
        return response
    }
}

extension DescribeGroupsResponse.DescribedGroup {
    package static func refusal(
        _ code: ErrorCode, group: String, message: String? = nil
    ) -> Self {
        var response = Self()
        response.groupId = group
        response.errorCode = code.rawValue
        response.errorMessage = message
        return response
    }
}
