internal import Primitives
internal import Testing
internal import WireProtocol
internal import wiregen

/// A frame as it stood on the wire, without its length.
private struct GoldenFrame {
    var source: String
    var isRequest: Bool
    var key: APIKey
    var version: Int16
    var bytes: [UInt8]

    struct BadLine: Error {
        let line: String
    }

    /// `<client> <request|response> <API key> <version> <hex, header included>`
    init(line: some StringProtocol) throws {
        let words = line.split(separator: " ", maxSplits: 4)
        guard words.count == 5, ["request", "response"].contains(words[1]),
            let key = Int16(words[2]), let version = Int16(words[3]),
            let bytes = WireProtocolTests.bytes(hex: words[4])
        else { throw BadLine(line: String(line)) }
        source = String(words[0])
        isRequest = words[1] == "request"
        self.key = APIKey(rawValue: key)
        self.version = version
        self.bytes = bytes
    }

    /// Header and body read, and written again.
    func recoded() throws -> [UInt8] {
        let api = try #require(key.api, "API \(key.rawValue) is not defined")
        var reader = ByteReader(Bytes(bytes))
        var writer = ByteWriter()
        if isRequest {
            let header = try RequestHeader(from: &reader)
            try #require(header.apiKey == key && header.apiVersion == version)
            let body = try api.request.init(from: &reader, version: version)
            header.encode(into: &writer)
            body.encode(into: &writer, version: version)
        } else {
            let header = try ResponseHeader(
                from: &reader, apiKey: key, apiVersion: version)
            let body = try api.response.init(from: &reader, version: version)
            header.encode(into: &writer, apiKey: key, apiVersion: version)
            body.encode(into: &writer, version: version)
        }
        try reader.expectEnd()
        return writer.finish().array
    }
}

@Suite struct GoldenFrameTests {
    /// The frames of every `.frames` file in the folder Golden.
    private static func frames() throws -> [GoldenFrame] {
        let folder = Checkout.root + "/Tests/WireProtocolTests/Golden"
        return try textFiles(below: folder, suffix: ".frames").flatMap { file in
            try file.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
                .map { try GoldenFrame(line: $0) }
        }
    }

    @Test("frames from the wire are read and written again to the byte")
    func recoded() throws {
        let frames = try Self.frames()
        #expect(!frames.isEmpty)
        for frame in frames {
            let name = "\(frame.source) \(frame.isRequest ? "request" : "response") \(frame.key)"
            do {
                #expect(try frame.recoded() == frame.bytes, "\(name) version \(frame.version)")
            } catch { Issue.record("\(name) version \(frame.version): \(error)") }
        }
    }

    @Test("a produce request reads as what it says")
    func produce() throws {
        let frame = try #require(
            try Self.frames().first { $0.source == "handmade" && $0.key == .produce })
        var reader = ByteReader(Bytes(frame.bytes))
        let header = try RequestHeader(from: &reader)
        #expect(header.clientId == "kcat")
        #expect(header.correlationId == 5)
        let request = try ProduceRequest(from: &reader, version: header.apiVersion)
        #expect(request.transactionalId == nil)
        #expect(request.acks == -1)
        #expect(request.timeoutMs == 30000)
        let topic = try #require(request.topicData.first)
        #expect(topic.name == "t1")
        let partition = try #require(topic.partitionData.first)
        #expect(partition.index == 2)
        guard case .bytes(let records)? = partition.records else {
            Issue.record("records are missing")
            return
        }
        #expect(records.array == [0xca, 0xfe])
    }
}
