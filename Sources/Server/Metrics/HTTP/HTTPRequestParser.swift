internal import Primitives

/// Takes requests without bodies out of a byte stream (HTTP/1.0 and 1.1, RFC 9112).
///
/// Holds at most one head and what one read brought behind it. After a refusal nothing more can be
/// read from the stream: where the next request would begin is not known.
struct HTTPRequestParser {
    enum Step: Equatable {
        case needsMore
        case request(HTTPRequest)
        case refused(HTTPRefusal)
    }

    /// Bytes that the request line and the header fields may take in all.
    static let headLimit = 8 << 10

    private var buffer: [UInt8] = []
    /// Up to here the end of the head has been looked for.
    private var scanned = 0
    private var hasControlByte = false

    /// Whether a request has begun that is not complete.
    var isAmidRequest: Bool { !buffer.isEmpty }

    mutating func append(_ bytes: Bytes) {
        let before = buffer.count
        unsafe bytes.withUnsafeBytes { unsafe buffer.append(contentsOf: $0) }
        // TLS, or a Kafka client that has the wrong port: refused at once, lest it wait.
        if buffer[before...].contains(where: Self.isForbidden) { hasControlByte = true }
    }

    private static func isForbidden(_ byte: UInt8) -> Bool {
        byte < 0x20 && byte != 0x09 && byte != 0x0a && byte != 0x0d
    }

    mutating func next() -> Step {
        if hasControlByte {
            return .refused(HTTPRefusal(.badRequest, "This is not HTTP: a control byte was found."))
        }
        skipEmptyLines()
        guard let end = endOfHead() else {
            return buffer.count > Self.headLimit ? .refused(Self.tooLong) : .needsMore
        }
        if end > Self.headLimit { return .refused(Self.tooLong) }
        let head = buffer[..<end]
        defer {
            buffer.removeFirst(end)
            scanned = 0
        }
        do throws(HTTPRefusal) {
            return .request(try HTTPHead(head).request())
        } catch {
            return .refused(error)
        }
    }

    private static let tooLong = HTTPRefusal(
        .headTooLarge, "The request's head is longer than \(headLimit) bytes.")

    /// Some clients end a request with a line break too many.
    private mutating func skipEmptyLines() {
        guard scanned == 0 else { return }
        let count = buffer.prefix { $0 == 0x0d || $0 == 0x0a }.count
        if count > 0 { buffer.removeFirst(count) }
    }

    /// Behind the empty line, wherever lines end with a line feed alone, too.
    private mutating func endOfHead() -> Int? {
        while scanned < buffer.count {
            defer { scanned += 1 }
            guard buffer[scanned] == 0x0a else { continue }
            var before = scanned - 1
            if before >= 0, buffer[before] == 0x0d { before -= 1 }
            if before >= 0, buffer[before] == 0x0a { return scanned + 1 }
        }
        return nil
    }
}

/// The lines of a request's head.
private struct HTTPHead {
    private typealias Line = ArraySlice<UInt8>
    private var requestLine: [String]
    private var fields: [(name: String, value: String)] = []

    init(_ bytes: ArraySlice<UInt8>) throws(HTTPRefusal) {
        var lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false).map { line in
            line.last == 0x0d ? line.dropLast() : line
        }
        if lines.contains(where: { $0.contains(0x0d) }) {
            throw HTTPRefusal(.badRequest, "A carriage return stands within a line.")
        }
        let first = lines.removeFirst()
        requestLine = first.split(separator: 0x20, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        for line in lines where !line.isEmpty { fields.append(try Self.field(line)) }
    }

    private static func field(_ line: Line) throws(HTTPRefusal) -> (name: String, value: String) {
        guard let colon = line.firstIndex(of: 0x3a), colon > line.startIndex,
            line[..<colon].allSatisfy(isTokenByte)
        else {
            throw HTTPRefusal(.badRequest, "A header field is not of the form name: value.")
        }
        let blanks: [UInt8] = [0x20, 0x09]
        var value = line[(colon + 1)...].drop { blanks.contains($0) }
        while let last = value.last, blanks.contains(last) { value.removeLast() }
        return (
            String(decoding: line[..<colon], as: UTF8.self).lowercased(),
            String(decoding: value, as: UTF8.self)
        )
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: Array("!#$%&'*+-.^_`|~".utf8).contains(byte)
        }
    }

    private func values(_ name: String) -> [String] {
        fields.filter { $0.name == name }.map(\.value)
    }

    func request() throws(HTTPRefusal) -> HTTPRequest {
        guard requestLine.count == 3, !requestLine[0].isEmpty,
            requestLine[0].utf8.allSatisfy(Self.isTokenByte)
        else {
            throw HTTPRefusal(
                .badRequest, "The request line is not of the form METHOD target HTTP/1.1.")
        }
        let isModern = try isModern(requestLine[2])
        let hosts = values("host").count
        if hosts > 1 || isModern && hosts == 0 {
            throw HTTPRefusal(.badRequest, "There are \(hosts) Host fields, 1 is expected.")
        }
        try refuseBody()
        let options = values("connection").joined(separator: ",").lowercased()
            .split { $0 == "," || $0 == " " || $0 == "\t" }.map(String.init)
        return HTTPRequest(
            method: requestLine[0], path: try path(requestLine[1]), isModern: isModern,
            keepsAlive: isModern ? !options.contains("close") : options.contains("keep-alive"))
    }

    private func isModern(_ version: String) throws(HTTPRefusal) -> Bool {
        let digits = Array(version.utf8)
        guard version.hasPrefix("HTTP/"), digits.count == 8, digits[6] == 0x2e,
            [5, 7].allSatisfy({ (0x30...0x39).contains(digits[$0]) })
        else {
            throw HTTPRefusal(.badRequest, "The request line does not end with HTTP/1.1.")
        }
        guard digits[5] == 0x31 else {
            throw HTTPRefusal(.versionNotSupported, "HTTP/1.0 and HTTP/1.1 are spoken here.")
        }
        return digits[7] > 0x30
    }

    private func refuseBody() throws(HTTPRefusal) {
        if !values("transfer-encoding").isEmpty {
            throw HTTPRefusal(.notImplemented, "Requests with a body are not taken.")
        }
        for length in values("content-length") {
            guard !length.isEmpty, length.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                throw HTTPRefusal(.badRequest, "Content-Length is no number.")
            }
            if length.utf8.contains(where: { $0 != 0x30 }) {
                throw HTTPRefusal(.contentTooLarge, "Requests with a body are not taken.")
            }
        }
    }

    /// The path of a target in either form that a server has to take (RFC 9112, 3.2).
    private func path(_ target: String) throws(HTTPRefusal) -> String {
        var rest = target[...]
        if rest.lowercased().hasPrefix("http://") {
            rest = rest.dropFirst(7).drop { $0 != "/" && $0 != "?" }
            if !rest.hasPrefix("/") { rest = "/" + rest }
        }
        guard rest.hasPrefix("/") else {
            throw HTTPRefusal(.badRequest, "The request's target is no path.")
        }
        return String(rest.prefix { $0 != "?" })
    }
}
