import Primitives
import Testing
import WireProtocol

@testable import Coordination

@Suite("Consumer groups: what they read")
struct ConsumerTopicTests {
    @Test("partitions that a topic gets are assigned at the next heartbeat")
    func growth() throws {
        let world = try ConsumerScenario()
        var clients = ["a", "b"].map { world.consumer($0) }
        try world.settle(&clients)
        try world.grow("t", to: 8)
        try world.settle(&clients)
        #expect(clients.map(\.count) == [4, 4])
        #expect(try world.describe().groupEpoch == 3)
    }

    @Test("a topic that comes later is read once it is there")
    func laterTopic() throws {
        let world = try ConsumerScenario(topics: [])
        var a = world.consumer("a", topics: ["t", "u"])
        try a.heartbeat(world)
        #expect(a.count == 0)
        try world.create("u", 2)
        try a.heartbeat(world)
        #expect(a.count(of: world.id(of: "u")) == 2)
    }

    @Test("a topic that is deleted is given up, and one of the same name is another")
    func deletedTopic() throws {
        let world = try ConsumerScenario()
        var clients = ["a", "b"].map { world.consumer($0) }
        try world.settle(&clients)
        try world.delete("t")
        try world.settle(&clients)
        #expect(clients.map(\.count) == [0, 0])
        try world.create("t", 4)
        try world.settle(&clients)
        #expect(clients.map { $0.count(of: world.id(of: "t")) } == [2, 2])
    }

    @Test("topics that nobody in the group reads do not move it")
    func otherTopics() throws {
        let world = try ConsumerScenario()
        var a = world.consumer("a")
        try a.heartbeat(world)
        try world.create("u", 3)
        let logged = world.logged
        try a.heartbeat(world)
        #expect(world.logged == logged)
    }

    @Test("a pattern reads the topics whose whole name it matches, and none of the brokers' own")
    func pattern() throws {
        let world = try ConsumerScenario(
            topics: [("t1", 1), ("t2", 1), ("at1", 1), ("__consumer_offsets", 5)])
        var clients = ["a", "b"].map { world.consumer($0, topics: nil) { $0.pattern = "t\\d" } }
        try world.settle(&clients)
        #expect(clients.map(\.count) == [1, 1])
        var all = [world.consumer("c", topics: nil) { $0.pattern = ".*" }]
        all[0].group = "h"
        try all[0].heartbeat(world)
        #expect(all[0].count == 3)
    }

    @Test("names and a pattern add up")
    func namesAndPattern() throws {
        let world = try ConsumerScenario(topics: [("t1", 1), ("t2", 1), ("u", 1)])
        var a = world.consumer("a", topics: ["u", "t1"]) { $0.pattern = "t.*" }
        try a.heartbeat(world)
        #expect(a.count == 3)
        let member = try #require(try world.describe().members.first)
        #expect(member.subscribedTopicNames == ["t1", "u"])
        #expect(member.subscribedTopicRegex == "t.*")
    }

    @Test("a new topic that a pattern matches is read, at the latest ten seconds after the last")
    func patternLater() throws {
        let world = try ConsumerScenario(topics: [("t1", 1)])
        var a = world.consumer("a", topics: nil) { $0.pattern = "t.*" }
        try a.heartbeat(world)
        try world.create("t2", 1)
        world.pass(milliseconds: 5_000)
        try a.heartbeat(world)
        #expect(a.count == 1)
        world.pass(milliseconds: 5_000)
        try a.heartbeat(world)
        #expect(a.count == 2)
        world.pass(milliseconds: 20_000)
        try world.create("t3", 1)
        try a.heartbeat(world)
        #expect(a.count == 3)
    }

    @Test("while patterns wait to be matched again, heartbeats look at nobody else")
    func deferredLook() throws {
        let world = try ConsumerScenario(topics: [("t1", 1)])
        var a = world.consumer("a", topics: nil) { $0.pattern = "t.*" }
        func looks() throws -> Bool {
            let shard = world.groups.shard
            guard case .consumer(let group)? = shard.groups["g"] else { return false }
            let decision = try group.heartbeat(
                a.request, from: GroupClient(id: "", host: ""),
                shard.context(of: "g", shard.begin(at: world.groups.now)))
            return decision.followUp.look != nil
        }
        try a.heartbeat(world)
        #expect(try !looks())
        try world.create("t2", 1)
        // Once for the names; the patterns are not due yet.
        #expect(try looks())
        try a.heartbeat(world)
        #expect(try !looks())
        world.pass(milliseconds: 10_000)
        #expect(try looks())
        try a.heartbeat(world)
        #expect(try !looks())
        #expect(a.count == 2)
    }

    @Test("a pattern that nobody has any more is forgotten, in the log too")
    func forgottenPattern() throws {
        let world = try ConsumerScenario()
        var clients = [
            world.consumer("a", topics: nil) { $0.pattern = "t" },
            world.consumer("b", topics: nil) { $0.pattern = "t.*" },
        ]
        try world.settle(&clients)
        func patterns() throws -> [String] {
            try world.groups.reader().durableRecords.compactMap { record in
                if case .consumerGroupRegularExpression(let key, _) = record {
                    key.regularExpression
                } else {
                    nil
                }
            }
        }
        #expect(try patterns() == ["t", "t.*"])
        _ = try clients[0].leave(world)
        #expect(try patterns() == ["t.*"])
        clients.removeFirst()
        var request = clients[0].request
        request.subscribedTopicNames = ["t"]
        request.subscribedTopicRegex = ""
        #expect(try world.send(request).errorCode == 0)
        #expect(try patterns().isEmpty)
    }

    @Test("offsets of topics that the group reads cannot be deleted; others can")
    func offsetDeletion() throws {
        let world = try ConsumerScenario(topics: [("t", 1), ("u", 1)])
        for topic in ["t", "u"] { #expect(try world.groups.commit([(topic, 0, 5)]) == [0]) }
        var a = world.consumer("a", topics: nil) { $0.pattern = "t" }
        try a.heartbeat(world)
        var request = OffsetDeleteRequest()
        request.groupId = "g"
        request.topics = ["t", "u"].map { name in
            var topic = OffsetDeleteRequest.OffsetDeleteRequestTopic()
            topic.name = name
            topic.partitions = [.init()]
            return topic
        }
        let asked = request
        guard
            case .offsetDelete(let response) = try world.groups.ask(
                version: 0, { $0.deleteOffsets(asked, $1) })
        else {
            Issue.record("another answer")
            return
        }
        #expect(
            response.topics.flatMap { $0.partitions.map(\.errorCode) }
                == [ErrorCode.groupSubscribedToTopic.rawValue, 0])
    }
}
