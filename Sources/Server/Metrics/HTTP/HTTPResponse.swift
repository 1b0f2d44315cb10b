internal import Primitives

/// The head of an answer, and how its body is told from what follows.
struct HTTPResponseHead: Sendable {
    enum Body: Sendable {
        /// So many bytes; the answer to HEAD tells the number and leaves them out.
        case length(Int)
        /// Pieces of which each tells its length, the last of them empty.
        case chunked
        /// All that comes until the connection ends.
        case untilClose
        /// The answer to HEAD where nobody has counted the bytes.
        case unknown
    }

    var status: HTTPStatus
    var contentType: String
    var body: Body
    /// Whether another request may follow.
    var keepsAlive: Bool
    /// Methods that would have been right.
    var allow: String?

    func encode(at now: Timestamp, into writer: inout ByteWriter) {
        writer.write(utf8: "HTTP/1.1 \(status.rawValue) \(status.phrase)\r\n")
        writer.write(utf8: "Date: \(HTTPDate.text(now))\r\nContent-Type: \(contentType)\r\n")
        switch body {
        case .length(let count): writer.write(utf8: "Content-Length: \(count)\r\n")
        case .chunked: writer.write(utf8: "Transfer-Encoding: chunked\r\n")
        case .untilClose, .unknown: break
        }
        if let allow { writer.write(utf8: "Allow: \(allow)\r\n") }
        writer.write(utf8: "Cache-Control: no-store\r\n")
        // Said in both cases: a client that speaks HTTP/1.0 counts on the opposite of the others.
        writer.write(utf8: "Connection: \(keepsAlive ? "keep-alive" : "close")\r\n\r\n")
    }
}

/// Pieces of a body whose length nobody knows beforehand (RFC 9112, 7.1).
enum HTTPChunk {
    static let end = Bytes("0\r\n\r\n")

    /// Nothing for no content: an empty piece would be the last one.
    static func pieces(_ content: Bytes) -> [Payload] {
        if content.isEmpty { return [] }
        return [
            .bytes(Bytes(String(content.count, radix: 16) + "\r\n")), .bytes(content),
            .bytes(Bytes("\r\n")),
        ]
    }
}

/// The time as a Date field has it: "Sun, 06 Nov 1994 08:49:37 GMT".
enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The end of the year 9999.
    private static let last: Int64 = 253_402_300_799

    /// Times before 1970 are shown as 1970.
    static func text(_ time: Timestamp) -> String {
        let seconds = min(max(time.rawValue, 0) / 1000, last)
        let (days, rest) = (seconds / 86_400, seconds % 86_400)
        let (year, month, day) = date(daysSince1970: days)
        let clock = [rest / 3600, rest / 60 % 60, rest % 60].map(two).joined(separator: ":")
        let weekday = Self.days[Int(days % 7)]
        return "\(weekday), \(two(day)) \(months[month]) \(year) \(clock) GMT"
    }

    private static func date(daysSince1970 count: Int64) -> (Int64, month: Int, day: Int64) {
        var (year, rest): (Int64, Int64) = (1970, count)
        while rest >= length(of: year) {
            rest -= length(of: year)
            year += 1
        }
        let february: Int64 = length(of: year) == 366 ? 29 : 28
        let lengths: [Int64] = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var month = 0
        while rest >= lengths[month] {
            rest -= lengths[month]
            month += 1
        }
        return (year, month, rest + 1)
    }

    private static func length(of year: Int64) -> Int64 {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
