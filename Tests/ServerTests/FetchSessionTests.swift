import Coordination
import Primitives
import Testing
import WireProtocol

@testable import Server

@Suite("Fetch sessions (KIP-227)")
struct FetchSessionTests {
    private func open(_ client: TestClient) throws -> Int32 {
        var request = fetchRequest("t", from: 0)
        request.sessionEpoch = 0
        let response = try client.call(request, version: 12)
        #expect(response.errorCode == 0)
        #expect(response.sessionId != 0)
        #expect(response.responses.count == 1)
        return response.sessionId
    }

    private func next(_ client: TestClient, _ session: Int32, epoch: Int32) throws -> FetchResponse
    {
        var request = FetchRequest()
        request.minBytes = 1
        request.sessionId = session
        request.sessionEpoch = epoch
        return try client.call(request, version: 12)
    }

    @Test("only partitions with news are in an incremental answer")
    func incremental() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        let session = try open(client)
        #expect(try next(client, session, epoch: 1).responses.isEmpty)
        _ = try client.produce("t", batch(["x"]))
        let news = try next(client, session, epoch: 2)
        #expect(news.responses.first?.partitions.first?.highWatermark == 1)
    }

    @Test("a wrong epoch and an unknown session are refused with Kafka's codes")
    func refusals() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        let session = try open(client)
        #expect(
            try next(client, session, epoch: 9).errorCode
                == ErrorCode.invalidFetchSessionEpoch.rawValue)
        #expect(
            try next(client, session &+ 1, epoch: 1).errorCode
                == ErrorCode.fetchSessionIdNotFound.rawValue)
        #expect(try next(client, session, epoch: 1).errorCode == 0)
    }

    @Test("with no slot left a client is served without a session")
    func bound() throws {
        let fixture = try BrokerFixture(["max.incremental.fetch.session.cache.slots=1"])
        let client = try fixture.connect()
        try client.createTopic("t")
        _ = try open(client)
        var request = fetchRequest("t", from: 0)
        request.sessionEpoch = 0
        let second = try client.call(request, version: 12)
        #expect(second.sessionId == 0)
        #expect(second.responses.count == 1)
    }

    private func target(_ partition: Int32, from offset: Int64 = 0) -> FetchTarget {
        FetchTarget(
            topic: "t", topicID: .zero, partition: partition, fetchOffset: Offset(offset),
            maxBytes: 1, currentLeaderEpoch: -1)
    }

    private let now = PosixClock().monotonic()

    @Test("a session remembers a partition once, as it was named last")
    func repeatedPartitions() throws {
        var table = FetchSessionTable(limit: 1)
        let named = [target(1), target(2), target(1, from: 7)]
        let plan = try table.begin(
            session: 0, epoch: 0, changed: named, forgotten: [], newID: 5, now: now)
        #expect(plan.session == 5)
        #expect(plan.targets.map(\.partition) == [1, 2])
        #expect(plan.targets.map(\.fetchOffset) == [Offset(7), Offset(0)])
        #expect(table.targetCount == 2)
    }

    @Test("who names more partitions than may be remembered is served without a session")
    func targetBounds() throws {
        var table = FetchSessionTable(limit: 9, bounds: .init(ofSession: 3, ofAll: 5))
        func open(_ count: Int32, as id: Int32) throws -> FetchPlan {
            try table.begin(
                session: 0, epoch: 0, changed: (0..<count).map { target($0) }, forgotten: [],
                newID: id, now: now)
        }
        #expect(try open(3, as: 1).session == 1)
        let large = try open(4, as: 2)
        #expect(large.session == 0 && large.targets.count == 4)
        #expect(try open(2, as: 3).session == 3)
        #expect(try open(1, as: 4).session == 0)
        #expect(table.targetCount == 5)
        // Growing beyond the bound ends a session; the client begins anew.
        let refusal = #expect(throws: Refusal.self) {
            try table.begin(
                session: 3, epoch: 1, changed: [target(9)], forgotten: [], newID: 6, now: now)
        }
        #expect(refusal?.code == .fetchSessionIdNotFound)
        #expect(table.count == 1 && table.targetCount == 3)
        // What is dropped makes room for what comes.
        let changed = try table.begin(
            session: 1, epoch: 1, changed: [target(8)], forgotten: [target(0)], newID: 7, now: now)
        #expect(changed.targets.map(\.partition) == [1, 2, 8])
    }
}
