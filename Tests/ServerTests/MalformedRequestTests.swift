import Primitives
import Testing
import WireProtocol

@Suite("Requests that cannot be understood")
struct MalformedRequestTests {
    /// Sends `frame`, and expects that its connection, and no other, is closed.
    private func expectClosed(_ frame: Bytes) throws {
        let fixture = try BrokerFixture()
        let bystander = try fixture.connect()
        let client = try fixture.connect()
        try client.send(frame: frame)
        #expect(client.isClosedByPeer())
        #expect(try bystander.call(ApiVersionsRequest(), version: 0).errorCode == 0)
        #expect(
            fixture.log.all.contains { $0.hasPrefix("warn closing the connection of 127.0.0.1") })
    }

    private func header(_ key: Int16, _ version: Int16) -> ByteWriter {
        var writer = ByteWriter()
        writer.write(key)
        writer.write(version)
        writer.write(7 as Int32)
        writer.write(string: "test", compact: false)
        return writer
    }

    @Test("an API key that nobody knows", arguments: [-1, 127, 128, 999, Int16.max, Int16.min])
    func unknownKey(key: Int16) throws { try expectClosed(header(key, 0).finish()) }

    @Test("a version that is not served")
    func unknownVersion() throws { try expectClosed(header(APIKey.produce.rawValue, 99).finish()) }

    @Test("an empty frame") func empty() throws { try expectClosed(.empty) }

    @Test("a body that ends early")
    func truncated() throws {
        var writer = header(APIKey.metadata.rawValue, 1)
        writer.write(5 as Int32)
        try expectClosed(writer.finish())
    }

    @Test("a count that its bytes cannot hold")
    func lyingCount() throws {
        var writer = header(APIKey.metadata.rawValue, 1)
        writer.write(Int32.max)
        writer.write(0 as Int32)
        try expectClosed(writer.finish())
    }

    @Test("bytes left over are passed over, as in Kafka: librdkafka sends some")
    func trailing() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        var writer = header(APIKey.apiVersions.rawValue, 0)
        writer.write(0 as UInt8)
        try client.send(frame: writer.finish())
        var reader = ByteReader(try client.receiveFrame())
        #expect(try reader.readInt32() == 7)
        #expect(try ApiVersionsResponse(from: &reader, version: 0).errorCode == 0)
    }

    @Test("a name that nearly fills its length is refused in an answer that fits, not with a trap")
    func longName() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        let name = String(repeating: "n", count: 32_767)
        let answer = try client.call(produceRequest(name, batch(["x"])), version: 8)
        let part = answer.responses[0].partitionResponses[0]
        #expect(part.errorCode == ErrorCode.unknownTopicOrPartition.rawValue)
        #expect((part.errorMessage?.utf8.count ?? 0) <= 32_767)
        #expect(try client.call(ApiVersionsRequest(), version: 0).errorCode == 0)
    }

    @Test("a topic named many times in a Metadata request is described once")
    func repeatedTopic() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        var topic = MetadataRequest.MetadataRequestTopic()
        topic.name = "t"
        var request = MetadataRequest()
        request.topics = Array(repeating: topic, count: 1000)
        #expect(try client.call(request).topics.count == 1)
    }

    @Test("a frame longer than socket.request.max.bytes closes the connection before it is read")
    func oversize() throws {
        let fixture = try BrokerFixture(["socket.request.max.bytes=1000"])
        let client = try fixture.connect()
        var writer = ByteWriter()
        writer.write(1001 as Int32)
        try client.send(raw: writer.finish())
        #expect(client.isClosedByPeer())
        #expect(try fixture.connect().call(ApiVersionsRequest(), version: 0).errorCode == 0)
    }

    @Test("ApiVersions from the future is answered in version 0 with what there is (KIP-511)")
    func futureApiVersions() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.send(frame: header(APIKey.apiVersions.rawValue, 99).finish())
        var reader = ByteReader(try client.receiveFrame())
        #expect(try reader.readInt32() == 7)
        let response = try ApiVersionsResponse(from: &reader, version: 0)
        #expect(response.errorCode == ErrorCode.unsupportedVersion.rawValue)
        #expect(response.apiKeys.contains { $0.apiKey == APIKey.produce.rawValue })
        #expect(try client.call(ApiVersionsRequest(), version: 2).errorCode == 0)
    }

    @Test("answers keep the order of the requests, also behind one that waits")
    func ordered() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        let first = try client.send(fetchRequest("t", from: 0, maxWaitMs: 200), version: 12)
        let second = try client.send(ApiVersionsRequest(), version: 0)
        _ = try client.receive(FetchRequest.self, version: 12, correlation: first)
        _ = try client.receive(ApiVersionsRequest.self, version: 0, correlation: second)
    }
}
