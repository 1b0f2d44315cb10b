import Primitives
import Server
import Testing
import WireProtocol

/// A blocking HTTP client that takes nothing for granted.
final class HTTPClient {
    struct Answer {
        let status: Int
        let fields: [String: String]
        let body: String

        subscript(_ field: String) -> String? { fields[field] }
    }

    private let socket: TestClient
    /// The broker stays as long as somebody asks it.
    private let fixture: BrokerFixture

    init(_ fixture: BrokerFixture) throws {
        self.fixture = fixture
        let listener = try #require(fixture.broker.metricsListener)
        socket = try TestClient(port: listener.port)
    }

    func send(_ text: String) throws { try socket.send(raw: Bytes(text)) }

    var isClosedByPeer: Bool { socket.isClosedByPeer() }

    /// Asks, and reads the answer.
    func ask(
        _ method: String, _ path: String, version: String = "1.1", fields: [String] = []
    ) throws -> Answer {
        let lines = ["\(method) \(path) HTTP/\(version)", "Host: localhost"] + fields
        try send(lines.joined(separator: "\r\n") + "\r\n\r\n")
        return try receive(to: method)
    }

    func get(_ path: String) throws -> Answer { try ask("GET", path) }

    func receive(to method: String = "GET") throws -> Answer {
        let status = try line().split(separator: " ").map(String.init)
        guard status.count >= 3, status[0] == "HTTP/1.1", let code = Int(status[1]) else {
            throw FixtureError("the status line is \(status)")
        }
        var fields: [String: String] = [:]
        while case let text = try line(), !text.isEmpty {
            let parts = text.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[1].hasPrefix(" ") else {
                throw FixtureError("the header field is \(text)")
            }
            let name = parts[0].lowercased()
            guard fields.updateValue(String(parts[1].dropFirst()), forKey: name) == nil else {
                throw FixtureError("the field \(name) came twice")
            }
        }
        return Answer(status: code, fields: fields, body: try body(to: method, fields))
    }

    private func body(to method: String, _ fields: [String: String]) throws -> String {
        if method == "HEAD" { return "" }
        if fields["transfer-encoding"] == "chunked" {
            #expect(fields["content-length"] == nil)
            return try chunks()
        }
        if let length = fields["content-length"].flatMap({ Int($0) }) {
            return try #require(try socket.receive(count: length).text)
        }
        #expect(fields["connection"] == "close")
        return try rest()
    }

    private func chunks() throws -> String {
        var body: [UInt8] = []
        while true {
            let digits = try line()
            let count = try #require(Int(digits, radix: 16))
            // As much as one piece has, and a row.
            #expect(count < 40 << 10)
            body += (0..<count).isEmpty ? [] : try socket.receive(count: count).array
            #expect(try line() == "")
            if count == 0 { return String(decoding: body, as: UTF8.self) }
        }
    }

    private func rest() throws -> String {
        var body: [UInt8] = []
        while let byte = try? socket.receive(count: 1) { body += byte.array }
        return String(decoding: body, as: UTF8.self)
    }

    private func line() throws -> String {
        var bytes: [UInt8] = []
        while !bytes.ends(with: [0x0d, 0x0a]) {
            bytes += try socket.receive(count: 1).array
            if bytes.count > 10_000 { throw FixtureError("a line without an end") }
        }
        return String(decoding: bytes.dropLast(2), as: UTF8.self)
    }
}

extension Array where Element == UInt8 {
    fileprivate func ends(with suffix: [UInt8]) -> Bool { self.suffix(suffix.count) == suffix[...] }
}

extension BrokerFixture {
    /// One scrape over a connection of its own.
    func scrape() throws -> PrometheusText {
        let answer = try HTTPClient(self).get("/metrics")
        #expect(answer.status == 200)
        return try PrometheusText(answer.body)
    }
}

/// Waits until `condition` holds; fails the test after 20 seconds.
func eventually(_ condition: () throws -> Bool) throws {
    let clock = PosixClock()
    let end = clock.monotonic().adding(milliseconds: 20_000)
    while try !condition() {
        try #require(clock.monotonic() < end, "it did not come about in 20 s")
    }
}

extension TestClient {
    /// Commits offsets for a group without members.
    func commit(
        _ group: String, _ topic: String, _ offsets: [(partition: Int32, offset: Int64)]
    ) throws {
        var find = FindCoordinatorRequest()
        find.coordinatorKeys = [group]
        _ = try call(find, version: 6)
        var entry = OffsetCommitRequest.OffsetCommitRequestTopic()
        entry.name = topic
        entry.partitions = offsets.map { partition, offset in
            var part = OffsetCommitRequest.OffsetCommitRequestPartition()
            part.partitionIndex = partition
            part.committedOffset = offset
            return part
        }
        var request = OffsetCommitRequest()
        request.groupId = group
        request.generationIdOrMemberEpoch = -1
        request.topics = [entry]
        let response = try call(request, version: 9)
        #expect(response.topics[0].partitions.allSatisfy { $0.errorCode == 0 })
    }
}
