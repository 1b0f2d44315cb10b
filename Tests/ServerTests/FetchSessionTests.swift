import Primitives
import Testing
import WireProtocol

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
}
