internal import Primitives
internal import WireProtocol

/// A member's part in a group of the classic protocol. Performs no I/O.
///
/// The cycle: the member joins, and is answered when all members have; the one that leads shares
/// out the partitions; each syncs, and is told what it reads. Heartbeats keep it, until one says
/// that the others wait for it to join again, or that the group has gone on without it.
///
/// Inputs: the coordinator's answers. What is to be done next follows from `state`: *joining* and
/// *called*: join; *syncing*: sync; *reading*: nothing but heartbeats.
///
/// Invariant: an answer to what was asked in an earlier generation changes nothing.
struct GroupMembership: Sendable {
    enum State: Equatable, Sendable {
        case joining
        /// - Parameter leading: what all members read, where this one shares out the partitions.
        case syncing(generation: Int32, leading: [RangeAssignor.Subscription]?)
        case reading(generation: Int32, [TopicPartition])
        /// The others wait. Until it joins it is still in its generation, and may commit.
        case called(generation: Int32)
    }

    private(set) var state = State.joining
    /// As the coordinator named it; empty before.
    private(set) var memberID = ""
    /// Whether it shared out the partitions last.
    private(set) var isLeader = false

    /// The generation in which it may commit and must be heard of.
    var generation: Int32? {
        switch state {
        case .reading(let generation, _), .called(let generation): generation
        case .joining, .syncing: nil
        }
    }

    /// Throws what will not be otherwise the next time.
    mutating func joined(_ response: JoinGroupResponse, group: String) throws(ClientError) {
        switch ErrorCode(rawValue: response.errorCode) {
        case .noError:
            memberID = response.memberId
            isLeader = response.leader == response.memberId
            state = .syncing(
                generation: response.generationId,
                leading: isLeader ? try Self.subscriptions(response.members, group) : nil)
        case .memberIdRequired:
            // So that one who never gets the answer is not counted as a member (KIP-394).
            memberID = response.memberId
        case .unknownMemberId: begin(as: "")
        case .rebalanceInProgress, .illegalGeneration: begin(as: memberID)
        default: throw Self.refusal(response.errorCode, group)
        }
    }

    mutating func synced(_ response: SyncGroupResponse, group: String) throws(ClientError) {
        guard case .syncing(let generation, _) = state else { return }
        switch ErrorCode(rawValue: response.errorCode) {
        case .noError:
            state = .reading(
                generation: generation, try Self.partitions(response.assignment, group))
        case .unknownMemberId: begin(as: "")
        case .rebalanceInProgress, .illegalGeneration: begin(as: memberID)
        default: throw Self.refusal(response.errorCode, group)
        }
    }

    /// A heartbeat or a commit of `generation` was answered.
    ///
    /// - Returns: whether the group took it, or said why not in a way that joining again mends.
    @discardableResult
    mutating func heard(_ code: Int16, of generation: Int32) -> Bool {
        let error = ErrorCode(rawValue: code)
        let isCurrent = generation == self.generation
        switch error {
        case .noError: break
        case .rebalanceInProgress:
            if isCurrent { state = .called(generation: generation) }
        case .unknownMemberId:
            if isCurrent { begin(as: "") }
        case .illegalGeneration:
            if isCurrent { begin(as: memberID) }
        default: return false
        }
        return true
    }

    /// What is read has changed: the group is to share out the partitions anew.
    mutating func call() {
        if let generation { state = .called(generation: generation) }
    }

    /// The coordinator was not heard of for a whole session, or the member is out by its own will.
    mutating func lost(_ generation: Int32) {
        if generation == self.generation { begin(as: memberID) }
    }

    private mutating func begin(as memberID: String) {
        self.memberID = memberID
        isLeader = false
        state = .joining
    }

    private static func refusal(_ code: Int16, _ group: String) -> ClientError {
        ClientError(code, "group \"\(group)\"")
            ?? .refused(.unknownServerError, "group \"\(group)\"")
    }
}

// What members tell each other through the coordinator, which does not look into it.

extension GroupMembership {
    /// The newest layout that is known: newer ones only add to its end.
    private static let newest: Int16 = 3

    /// What this member says of itself: the topics it reads. It gives up what it has before it
    /// joins again, so it owns nothing then.
    static func subscription(to topics: [String]) -> Bytes {
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = topics
        return subscription.versionPrefixed(1)
    }

    static func assignment(of partitions: [TopicPartition]) -> Bytes {
        var assignment = ConsumerProtocolAssignment()
        assignment.assignedPartitions = partitions.byTopic(\.topic).map { name, partitions in
            var topic = ConsumerProtocolAssignment.TopicPartition()
            topic.topic = name
            topic.partitions = partitions.map(\.partition.rawValue)
            return topic
        }
        return assignment.versionPrefixed(1)
    }

    private static func subscriptions(
        _ members: [JoinGroupResponse.JoinGroupResponseMember], _ group: String
    ) throws(ClientError) -> [RangeAssignor.Subscription] {
        var subscriptions: [RangeAssignor.Subscription] = []
        for member in members {
            do throws(DecodeError) {
                var reader = ByteReader(member.metadata)
                let version = min(try reader.readInt16(), newest)
                let said = try ConsumerProtocolSubscription(from: &reader, version: version)
                subscriptions.append(
                    .init(
                        member: member.memberId, instance: member.groupInstanceId,
                        topics: said.topics))
            } catch {
                throw .invalid(
                    "what member \(member.memberId) of group \"\(group)\" reads cannot be read: "
                        + "\(error)")
            }
        }
        return subscriptions
    }

    private static func partitions(
        _ bytes: Bytes, _ group: String
    ) throws(ClientError) -> [TopicPartition] {
        // Who gets nothing may be given no bytes at all.
        if bytes.isEmpty { return [] }
        do throws(DecodeError) {
            var reader = ByteReader(bytes)
            let version = min(try reader.readInt16(), newest)
            let given = try ConsumerProtocolAssignment(from: &reader, version: version)
            return given.assignedPartitions.flatMap { topic in
                topic.partitions.map {
                    TopicPartition(topic: topic.topic, partition: PartitionIndex($0))
                }
            }.sorted()
        } catch {
            throw .invalid("what group \"\(group)\" gave this member cannot be read: \(error)")
        }
    }
}
