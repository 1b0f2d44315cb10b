import Coordination
import Primitives
import Testing
import WireProtocol

@Suite("Committed offsets") struct GroupOffsetTests {
    private let day: Int64 = 24 * 3_600_000

    @Test("a consumer without a group stores offsets, and finds them after a restart")
    func simpleConsumer() throws {
        let world = GroupScenario()
        #expect(try world.offset() == -1)
        #expect(try world.commit([("t", 0, 5), ("u", 3, 7)]) == [0, 0])
        #expect(try world.commit([("t", 0, 6)]) == [0])
        try world.restart()
        #expect(try world.offset() == 6)
        #expect(try world.offset(of: "u", 3) == 7)
        #expect(try world.state() == "Empty")
    }

    @Test("a member commits in its own generation only")
    func generations() throws {
        let world = GroupScenario()
        let group = try world.settle(1)
        let member = group.members[0]
        #expect(try world.commit([("t", 0, 1)], member: member, generation: 1) == [0])
        #expect(
            try world.commit([("t", 0, 2)], member: member, generation: 0)
                == [ErrorCode.illegalGeneration.rawValue])
        #expect(
            try world.commit([("t", 0, 2)], member: "nobody", generation: 1)
                == [ErrorCode.unknownMemberId.rawValue])
        #expect(
            try world.commit([("t", 0, 2)]) == [ErrorCode.unknownMemberId.rawValue])
        #expect(try world.offset() == 1)
    }

    @Test("a commit while members join is taken; while their assignment is awaited it is not")
    func duringRebalance() throws {
        let world = GroupScenario()
        let group = try world.settle(1)
        let other = world.join()
        #expect(
            try world.commit([("t", 0, 3)], member: group.members[0], generation: 1) == [0])
        _ = world.join(group.members[0])
        #expect(world.joined(other)?.generationId == 2)
        #expect(
            try world.commit([("t", 0, 4)], member: group.members[0], generation: 2)
                == [ErrorCode.rebalanceInProgress.rawValue])
    }

    @Test("a commit keeps its member alive")
    func keepsAlive() throws {
        let world = GroupScenario()
        let group = try world.settle(1)
        for round in 0..<5 {
            world.pass(milliseconds: 8_000)
            #expect(
                try world.commit(
                    [("t", 0, Int64(round))], member: group.members[0], generation: 1) == [0])
        }
    }

    @Test("a generation of a group that is not known is refused, each version in its way")
    func unknownGroup() throws {
        let world = GroupScenario()
        let codes = try [8, 9].map { version in
            try world.commit([("t", 0, 1)], member: "m", generation: 1, version: version)
        }
        #expect(
            codes == [
                [ErrorCode.illegalGeneration.rawValue], [ErrorCode.groupIdNotFound.rawValue],
            ])
        #expect(world.log.isEmpty)
    }

    @Test("metadata over the limit is refused for its partition alone")
    func metadataLimit() throws {
        let world = GroupScenario()
        let codes = try world.commit([("t", 0, 1), ("t", 1, 1)]) {
            $0.topics[0].partitions[0].committedMetadata = String(repeating: "x", count: 4097)
            $0.topics[1].partitions[0].committedMetadata = String(repeating: "x", count: 4096)
        }
        #expect(codes == [ErrorCode.offsetMetadataTooLarge.rawValue, 0])
        #expect(try world.offset() == -1)
        #expect(try world.offset(of: "t", 1) == 1)
    }

    @Test("the limit of metadata counts as Kafka does, in UTF-16 units")
    func metadataUnits() throws {
        let world = GroupScenario()
        let codes = try world.commit([("t", 0, 1), ("t", 1, 1)]) {
            $0.topics[0].partitions[0].committedMetadata = String(
                repeating: "\u{1f426}", count: 2049)
            $0.topics[1].partitions[0].committedMetadata = String(repeating: "\u{e4}", count: 4096)
        }
        #expect(codes == [ErrorCode.offsetMetadataTooLarge.rawValue, 0])
    }

    @Test("what cannot be logged is refused and not seen")
    func refused() throws {
        let world = GroupScenario()
        world.refusal = .notCoordinator
        #expect(try world.commit([("t", 0, 1)]) == [ErrorCode.notCoordinator.rawValue])
        #expect(try world.offset() == -1)
    }

    @Test("leader epoch and metadata come back with the offset, and all topics in order")
    func everything() throws {
        let world = GroupScenario()
        _ = try world.commit([("u", 1, 1), ("t", 2, 2), ("t", 0, 3)]) {
            $0.topics[2].partitions[0].committedLeaderEpoch = 7
            $0.topics[2].partitions[0].committedMetadata = "note"
        }
        var request = OffsetFetchRequest.OffsetFetchRequestGroup()
        request.groupId = "g"
        request.topics = nil
        let group = try world.fetch(request)
        #expect(group.topics.map(\.name) == ["t", "u"])
        #expect(group.topics[0].partitions.map(\.partitionIndex) == [0, 2])
        #expect(group.topics[0].partitions[0].committedLeaderEpoch == 7)
        #expect(group.topics[0].partitions[0].metadata == "note")
    }

    @Test("offsets of a standalone consumer expire by their own age")
    func standaloneExpiry() throws {
        let world = GroupScenario()
        _ = try world.commit([("t", 0, 1)])
        world.pass(milliseconds: 4 * day)
        _ = try world.commit([("u", 0, 1)])
        world.pass(milliseconds: 4 * day)
        #expect(try world.offset(of: "t") == -1)
        #expect(try world.offset(of: "u") == 1)
        world.pass(milliseconds: 4 * day)
        #expect(try world.state() == "Dead")
        #expect(try world.reader().durableRecords.isEmpty)
    }

    @Test("a group's offsets expire when it has been empty for the retention, then the group does")
    func emptyGroupExpiry() throws {
        let world = GroupScenario()
        let group = try world.settle(1) { wish, _ in wish.session = 1_800_000 }
        let member = group.members[0]
        _ = try world.commit([("t", 0, 1)], member: member, generation: 1)
        for _ in 0..<(8 * 24 * 4) {
            world.pass(milliseconds: 900_000)
            _ = try world.heartbeat(member, generation: 1)
        }
        #expect(try world.offset() == 1)
        _ = try world.leave([(member, nil)])
        world.pass(milliseconds: 7 * day - 1)
        #expect(try world.offset() == 1)
        world.pass(milliseconds: 600_001)
        #expect(try world.offset() == -1)
        #expect(try world.state() == "Dead")
        #expect(try world.reader().durableRecords.isEmpty)
    }

    @Test("offsets of topics that a stable group no longer reads expire, those it reads do not")
    func unsubscribedExpiry() throws {
        let world = GroupScenario()
        let group = try world.settle(1) { wish, _ in wish.session = 1_800_000 }
        let member = group.members[0]
        _ = try world.commit([("t", 0, 1), ("old", 0, 1)], member: member, generation: 1)
        for _ in 0..<(8 * 24 * 4) {
            world.pass(milliseconds: 900_000)
            _ = try world.heartbeat(member, generation: 1)
        }
        #expect(try world.offset() == 1)
        #expect(try world.offset(of: "old") == -1)
    }

    @Test("an old client's own retention goes before the broker's")
    func ownRetention() throws {
        let world = GroupScenario()
        _ = try world.commit([("t", 0, 1)], version: 3) { $0.retentionTimeMs = 1_000_000 }
        world.pass(milliseconds: 600_000)
        #expect(try world.offset() == 1)
        world.pass(milliseconds: 600_000)
        #expect(try world.offset() == -1)
    }

    @Test("a group that is deleted is gone with its offsets, but not while it has members")
    func deleteGroup() throws {
        let world = GroupScenario()
        let group = try world.settle(1)
        _ = try world.commit([("t", 0, 1)], member: group.members[0], generation: 1)
        func delete(_ id: String) throws -> Int16 {
            guard case .deleted(let result) = try world.ask(version: 2, { $0.deleteGroup(id, $1) })
            else { return -1 }
            return result.errorCode
        }
        #expect(try delete("g") == ErrorCode.nonEmptyGroup.rawValue)
        _ = try world.leave([(group.members[0], nil)])
        #expect(try delete("g") == 0)
        #expect(try delete("g") == ErrorCode.groupIdNotFound.rawValue)
        #expect(try world.offset() == -1)
        #expect(try world.reader().durableRecords.isEmpty)
    }

    @Test("offsets of single partitions are deleted unless the group reads the topic")
    func deleteOffsets() throws {
        let world = GroupScenario()
        let group = try world.settle(1)
        _ = try world.commit(
            [("t", 0, 1), ("u", 0, 1), ("u", 1, 2)], member: group.members[0], generation: 1)
        func delete(_ topic: String, group: String = "g") throws -> [Int16] {
            var request = OffsetDeleteRequest()
            request.groupId = group
            var entry = OffsetDeleteRequest.OffsetDeleteRequestTopic()
            entry.name = topic
            var partition = OffsetDeleteRequest.OffsetDeleteRequestPartition()
            partition.partitionIndex = 0
            entry.partitions = [partition]
            request.topics = [entry]
            let asked = request
            guard
                case .offsetDelete(let response) = try world.ask(
                    version: 0, { $0.deleteOffsets(asked, $1) })
            else { return [] }
            return [response.errorCode]
                + response.topics.flatMap { $0.partitions.map(\.errorCode) }
        }
        #expect(try delete("t") == [0, ErrorCode.groupSubscribedToTopic.rawValue])
        #expect(try delete("u") == [0, 0])
        #expect(try delete("t", group: "h") == [ErrorCode.groupIdNotFound.rawValue])
        #expect(try world.offset(of: "u") == -1)
        #expect(try world.offset(of: "u", 1) == 2)
        #expect(try world.offset() == 1)
    }

    @Test("with a topic go the offsets of all groups in it")
    func topicDeleted() throws {
        let world = GroupScenario()
        _ = try world.commit([("t", 0, 1), ("t", 1, 1), ("u", 0, 1)])
        world.carryOut(world.step { $0.topicsDeleted(["t"], at: $1) })
        #expect(try world.offset() == -1)
        #expect(try world.offset(of: "u") == 1)
    }

    /// Deletes topic "t", of which `count` groups have read.
    private func deleteTopic(
        readBy count: Int, in world: GroupScenario
    ) throws -> [GroupEffect] {
        for number in 0..<count {
            _ = try world.commit([("t", 0, 1), ("u", 0, 1)]) { $0.groupId = "g\(number)" }
        }
        return world.step { $0.topicsDeleted(["t"], at: $1) }
    }

    @Test("a deleted topic's offsets go in appends that many groups share")
    func topicDeletedTogether() throws {
        let world = GroupScenario()
        let appends = try deleteTopic(readBy: 150, in: world).compactMap { effect in
            if case .append(let append) = effect { append.records.count } else { nil }
        }
        #expect(appends == [150])
    }

    @Test(
        "many groups lose a topic step by step, but not what they commit of the next by that name")
    func topicDeletedInSteps() throws {
        let world = GroupScenario()
        let effects = try deleteTopic(readBy: 2_500, in: world)
        let appended = effects.count { if case .append = $0 { true } else { false } }
        #expect(appended == 1)
        world.carryOut(effects)
        let groups = (0..<2_500).map { "g\($0)" }
        let left = try groups.filter { try world.offset(group: $0) == 1 }
        #expect(left.count == 1_500)
        // The topic is made anew meanwhile.
        let early = try #require(left.first)
        #expect(try world.commit([("t", 0, 7)]) { $0.groupId = early } == [0])
        world.pass(milliseconds: 0)
        #expect(try groups.filter { try world.offset(group: $0) != -1 } == [early])
        #expect(try world.offset(group: early) == 7)
        #expect(try groups.allSatisfy { try world.offset(of: "u", group: $0) == 1 })
    }

    @Test("offsets of a transaction count when it commits, and are unstable before")
    func transactions() throws {
        let world = GroupScenario()
        _ = try world.commit([("t", 0, 1)])
        world.carryOut(
            world.step { shard, _ in
                shard.replay(
                    Self.record("t", 0, 9), at: Offset(10), producer: ProducerID(4))
                shard.replay(
                    Self.record("u", 0, 9), at: Offset(11), producer: ProducerID(5))
                return []
            })
        #expect(try world.offset() == 1)
        #expect(try world.offset(stable: true) == nil)
        world.carryOut(
            world.step { shard, _ in
                shard.replayEnd(of: ProducerID(4), isCommit: true)
                shard.replayEnd(of: ProducerID(5), isCommit: false)
                return []
            })
        #expect(try world.offset(stable: true) == 9)
        #expect(try world.offset(of: "u", stable: true) == -1)
    }

    @Test("a plain commit behind a transaction's stands when the transaction ends")
    func laterPlainCommit() throws {
        let world = GroupScenario()
        world.carryOut(
            world.step { shard, _ in
                shard.replay(Self.record("t", 0, 9), at: Offset(0), producer: ProducerID(4))
                shard.replay(Self.record("t", 0, 20), at: Offset(1))
                shard.replayEnd(of: ProducerID(4), isCommit: true)
                return []
            })
        #expect(try world.offset() == 20)
    }

    private static func record(
        _ topic: String, _ partition: Int32, _ offset: Int64
    ) -> GroupRecord {
        var key = OffsetCommitKey()
        key.group = "g"
        key.topic = topic
        key.partition = partition
        var value = OffsetCommitValue()
        value.offset = offset
        value.commitTimestamp = GroupScenario.epoch
        return .offsetCommit(key, value)
    }
}

@Suite("Groups in a list") struct GroupListTests {
    private func list(
        _ world: GroupScenario, states: [String] = [], types: [String] = []
    ) throws -> [String] {
        var request = ListGroupsRequest()
        request.statesFilter = states
        request.typesFilter = types
        let asked = request
        guard case .listed(let groups) = try world.ask(version: 5, { $0.listGroups(asked, $1) })
        else { return [] }
        return groups.map { "\($0.groupId) \($0.protocolType) \($0.groupState) \($0.groupType)" }
    }

    @Test("show state and type, and are chosen by them")
    func filters() throws {
        let world = GroupScenario()
        _ = try world.settle(1)
        _ = try world.commit([("t", 0, 1)]) { $0.groupId = "alone" }
        let (stable, empty) = ("g consumer Stable classic", "alone  Empty classic")
        #expect(try list(world) == [empty, stable])
        #expect(try list(world, states: ["stable", "dead"]) == [stable])
        #expect(try list(world, states: ["Empty"], types: ["Classic"]) == [empty])
        #expect(try list(world, types: ["consumer"]).isEmpty)
    }

    @Test("a stable group shows its members' part; a group that is not known is dead")
    func described() throws {
        let world = GroupScenario()
        let group = try world.settle(2)
        let described = try world.describe()
        #expect(described.members.map(\.memberId) == group.members)
        #expect(described.members.map(\.memberAssignment) == [Bytes([0]), Bytes([1])])
        #expect(described.members.map(\.clientHost) == ["/127.0.0.1", "/127.0.0.1"])
        #expect(described.protocolData == "range" && described.protocolType == "consumer")
        #expect(try world.describe("h").groupState == "Dead")
        #expect(try world.describe("h").errorCode == 0)
        #expect(
            try world.describe("h", version: 6).errorCode == ErrorCode.groupIdNotFound.rawValue)
    }
}
