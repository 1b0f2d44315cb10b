internal import Primitives
internal import WireProtocol

extension Admin {
    /// Asks every broker for the groups that it coordinates. One that cannot be asked is told, and
    /// the others' groups all the same.
    package func listGroups() async throws -> GroupListing {
        let deadline = deadline
        let brokers = try await cluster.describe(topics: [], by: deadline).brokers.map(\.id)
        let answers: [BrokerID: Outcome<[ListedGroup]>] = try await cluster.scatter(
            brokers, by: deadline,
            route: { keys, _ in
                Dictionary(keys.map { ($0, .success($0)) }, uniquingKeysWith: { $1 })
            },
            ask: { share in
                let broker = share.broker
                let response = try await share.connection.call(ListGroupsRequest(), by: deadline)
                if let error = ClientError(response.errorCode, "groups of broker \(broker)") {
                    return [broker: .failure(error)]
                }
                return [broker: .success(response.groups.map { ListedGroup($0, broker) })]
            })
        var groups: [ListedGroup] = []
        var failures: [ClientError] = []
        for broker in brokers {
            switch answers[broker] {
            case .success(let listed)?: groups += listed
            case .failure(let error)?: failures.append(error)
            case nil: break
            }
        }
        return GroupListing(groups: groups.sorted { $0.id < $1.id }, failures: failures)
    }

    /// State and members of groups, of either protocol. A group that does not exist is `missing`.
    package func describe(groups: [String]) async throws -> [String: Outcome<GroupDescription>] {
        let deadline = deadline
        return try await cluster.askCoordinators(of: groups, by: deadline) {
            share in
            let (connection, coordinator) = (share.connection, share.broker)
            var described: [String: Outcome<GroupDescription>] = [:]
            if connection.knows(.consumerGroupDescribe) {
                var request = ConsumerGroupDescribeRequest()
                request.groupIds = share.keys
                let response = try await connection.call(request, by: deadline)
                for group in response.groups {
                    described[group.groupId] = GroupDescription.outcome(group, coordinator)
                }
            }
            // What is not of the new protocol is not known there.
            let others = share.keys.filter { described[$0]?.isOfOldProtocol ?? true }
            if others.isEmpty { return described }
            var request = DescribeGroupsRequest()
            request.groups = others
            let response = try await connection.call(request, by: deadline)
            for group in response.groups {
                described[group.groupId] = GroupDescription.outcome(group, coordinator)
            }
            return described
        }
    }

    /// Deletes groups without members, and their offsets.
    package func delete(groups: [String]) async throws -> [String: Outcome<Void>] {
        let deadline = deadline
        return try await cluster.askCoordinators(of: groups, by: deadline) {
            share in
            var request = DeleteGroupsRequest()
            request.groupsNames = share.keys
            var deleted: [String: Outcome<Void>] = [:]
            for result in try await share.connection.call(request, by: deadline).results {
                let error = ClientError(group: result.groupId, result.errorCode)
                deleted[result.groupId] = error.map { .failure($0) } ?? .success(())
            }
            return deleted
        }
    }
}

extension Result where Failure == ClientError {
    /// The group is not one of the new protocol, or the broker has that switched off.
    fileprivate var isOfOldProtocol: Bool {
        switch self {
        case .failure(.missing): true
        case .failure(let error): error.isRefusal(.unsupportedVersion)
        case .success: false
        }
    }
}

extension ListedGroup {
    fileprivate init(_ group: ListGroupsResponse.ListedGroup, _ coordinator: BrokerID) {
        id = group.groupId
        state = group.groupState.isEmpty ? nil : group.groupState
        type = group.groupType.isEmpty ? nil : group.groupType
        protocolType = group.protocolType
        self.coordinator = coordinator
    }
}

extension GroupDescription {
    fileprivate typealias Outcome = Result<GroupDescription, ClientError>

    fileprivate static func outcome(
        _ group: ConsumerGroupDescribeResponse.DescribedGroup, _ coordinator: BrokerID
    ) -> Outcome {
        if let error = ClientError(
            group: group.groupId, group.errorCode, reason: group.errorMessage)
        {
            return .failure(error)
        }
        return .success(
            GroupDescription(
                id: group.groupId, kind: .consumer, state: group.groupState,
                assignor: group.assignorName, epoch: group.groupEpoch, coordinator: coordinator,
                members: group.members.map(GroupMember.init).sorted { $0.id < $1.id }))
    }

    fileprivate static func outcome(
        _ group: DescribeGroupsResponse.DescribedGroup, _ coordinator: BrokerID
    ) -> Outcome {
        // Before version 6 (KIP-1043) a group that does not exist is one that is dead.
        let isMissing = group.errorCode == 0 && group.groupState == "Dead"
        let code = isMissing ? ErrorCode.groupIdNotFound.rawValue : group.errorCode
        if let error = ClientError(group: group.groupId, code, reason: group.errorMessage) {
            return .failure(error)
        }
        let isConsumer = group.protocolType == "consumer"
        return .success(
            GroupDescription(
                id: group.groupId, kind: .classic, state: group.groupState,
                assignor: group.protocolData, epoch: nil, coordinator: coordinator,
                members: group.members.map { GroupMember($0, isConsumer: isConsumer) }
                    .sorted { $0.id < $1.id }))
    }
}

extension GroupMember {
    fileprivate init(_ member: ConsumerGroupDescribeResponse.Member) {
        id = member.memberId
        instanceID = member.instanceId
        clientID = member.clientId
        host = member.clientHost
        assignment = member.assignment.topicPartitions.flatMap { topic in
            topic.partitions.map {
                TopicPartition(topic: topic.topicName, partition: PartitionIndex($0))
            }
        }.sorted()
    }

    fileprivate init(_ member: DescribeGroupsResponse.DescribedGroupMember, isConsumer: Bool) {
        id = member.memberId
        instanceID = member.groupInstanceId
        clientID = member.clientId
        host = member.clientHost
        assignment = isConsumer ? Self.assignment(member.memberAssignment) : nil
    }

    /// What the group's leader gave the member. Nothing before the first assignment; nil for what
    /// cannot be read. A later version than ours begins like ours.
    private static func assignment(_ bytes: Bytes) -> [TopicPartition]? {
        if bytes.isEmpty { return [] }
        var reader = ByteReader(bytes)
        do throws(DecodeError) {
            let newest = ConsumerProtocolAssignment.versions.upperBound
            let version = min(try reader.readInt16(), newest)
            let assignment = try ConsumerProtocolAssignment(from: &reader, version: version)
            return assignment.assignedPartitions.flatMap { topic in
                topic.partitions.map {
                    TopicPartition(topic: topic.topic, partition: PartitionIndex($0))
                }
            }.sorted()
        } catch {
            return nil
        }
    }
}
