import Primitives
import Testing
import WireProtocol

@testable import Coordination

/// Consumers that come, go, pause and lose answers while topics and the coordinator change.
///
/// Invariants, after every step: no partition has two owners, neither for the coordinator nor among
/// the consumers that it knows; no epoch goes back. In the end: the group settles, everything is
/// read by someone, and the log says what the coordinator knows.
@Suite("Consumer groups, whatever happens")
struct ConsumerRandomTests {
    @Test("no partition has two owners, and the group settles", arguments: 1...12)
    func anything(seed: Int) throws {
        var run = try Run(seed: UInt64(seed))
        for _ in 0..<150 {
            try run.step()
            try run.check()
        }
        try run.heal()
    }

    private struct Run {
        let random: SeededRandom
        let world: ConsumerScenario
        var clients: [ConsumerClient] = []
        var names = 0
        var epochs: [String: Int32] = [:]
        var groupEpoch: Int32 = 0

        init(seed: UInt64) throws {
            random = SeededRandom(seed: seed)
            world = try ConsumerScenario(topics: [("t0", 5), ("t1", 3)]) {
                $0.consumer.assignmentInterval = seed % 2 == 0 ? 0 : 3_000
            }
        }

        mutating func step() throws {
            world.groups.refusal = random.below(12) == 0 ? .coordinatorNotAvailable : nil
            guard let index = clients.indices.randomElement(random) else { return join() }
            switch random.below(30) {
            case 0, 1: if clients.count < 7 { join() }
            case 2: _ = try clients.remove(at: index).leaving(world)
            case 3: try pauseOrLeaveForNow(index)
            case 4: try clients[index].subscribe(to: subscription(), world)
            case 5: clients[index].isQuick.toggle()
            case 6: world.pass(milliseconds: Int64(random.below(20_000)))
            case 7: try changeTopics()
            case 8:
                world.groups.refusal = nil
                try world.restart()
            case 9: clients.remove(at: index)
            case 10, 11: try clients[index].loseAnswer(world)
            case 12...14: clients[index].giveUp()
            default:
                try clients[index].heartbeat(world)
                world.pass(milliseconds: Int64(random.below(500)))
            }
        }

        private mutating func join() {
            names += 1
            var client = world.consumer("m\(names)", topics: subscription())
            if random.below(4) == 0 { client.instance = "i\(random.below(2))" }
            if random.below(4) == 0 { client.pattern = random.pick(["t.*", "t[01]", "u"]) }
            client.assignor = random.pick([nil, "uniform", "range"])
            client.isQuick = random.below(2) == 0
            client.rebalanceTimeout = Int32(5_000 + random.below(40_000))
            clients.append(client)
        }

        private func subscription() -> [String] {
            ["t0", "t1", "t2"].filter { _ in random.below(3) > 0 }
        }

        private mutating func pauseOrLeaveForNow(_ index: Int) throws {
            guard clients[index].instance != nil, clients[index].epoch > 0 else { return }
            _ = try clients[index].leave(world, epoch: -2)
            if random.below(2) == 0 {
                names += 1
                clients[index].id = "m\(names)"
            }
        }

        private func changeTopics() throws {
            let name = "t\(random.below(3))"
            if world.cluster.topic(named: name) == nil {
                try world.create(name, Int32(1 + random.below(5)))
            } else if random.below(3) == 0 {
                try world.delete(name)
            } else {
                try world.grow(name, to: Int32(random.below(9)))
            }
        }

        mutating func check() throws {
            let group = try world.describe()
            var owners: [String: String] = [:]
            for member in group.members {
                for topic in member.assignment.topicPartitions {
                    for partition in topic.partitions {
                        let key = "\(topic.topicId)-\(partition)"
                        #expect(owners.updateValue(member.memberId, forKey: key) == nil)
                    }
                }
                if member.memberEpoch >= 0 {
                    #expect(member.memberEpoch >= epochs[member.memberId] ?? 0)
                    epochs[member.memberId] = member.memberEpoch
                }
            }
            #expect(group.groupEpoch >= groupEpoch || group.errorCode != 0)
            groupEpoch = group.groupEpoch
            let known = Set(group.members.map(\.memberId))
            for id in Array(epochs.keys) where !known.contains(id) { epochs[id] = nil }

            var readers: [String: String] = [:]
            for client in clients where client.epoch > 0 && known.contains(client.id) {
                for (topic, partitions) in client.all {
                    for partition in partitions {
                        let other = readers.updateValue(client.id, forKey: "\(topic)-\(partition)")
                        #expect(other == nil, "\(client.id) and \(other ?? "") read the same")
                    }
                }
            }
        }

        mutating func heal() throws {
            world.groups.refusal = nil
            for index in clients.indices { clients[index].isQuick = true }
            // Of two consumers with one instance id only one can be in the group.
            var instances: Set<String> = []
            clients.removeAll { client in
                client.instance.map { !instances.insert($0).inserted } ?? false
            }
            for _ in 0..<25 {
                world.pass(milliseconds: 5_000)
                for index in clients.indices {
                    clients[index].giveUp()
                    try clients[index].heartbeat(world)
                }
                try check()
            }
            if clients.isEmpty { return }
            let group = try world.describe()
            #expect(group.groupState == "Stable")
            #expect(group.members.count == clients.count)
            for topic in world.cluster.topicsByName {
                let isRead = group.members.contains { member in
                    member.subscribedTopicNames.contains(topic.name)
                        || member.subscribedTopicRegex.map {
                            (try? TopicPattern($0))?.matches(topic.name) ?? false
                        } ?? false
                }
                let read = clients.reduce(0) { $0 + $1.count(of: topic.id) }
                #expect(read == (isRead ? topic.partitions.count : 0))
            }
            #expect(bytes(of: try world.groups.reader()) == bytes(of: world.groups.shard))
        }
    }
}

extension Range<Int> {
    fileprivate func randomElement(_ random: SeededRandom) -> Int? {
        isEmpty ? nil : lowerBound + random.below(count)
    }
}

extension ConsumerClient {
    /// Leaves, whatever comes of it.
    fileprivate func leaving(_ world: ConsumerScenario) throws -> Int16 {
        var client = self
        return try client.leave(world).errorCode
    }

    /// Sends a heartbeat and hears nothing of it: the next one says everything it has.
    fileprivate mutating func loseAnswer(_ world: ConsumerScenario) throws {
        _ = try world.send(request)
        noteLoss()
    }
}
