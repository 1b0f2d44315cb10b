/// What a client asked for: the head of one request. None that comes here has a body.
struct HTTPRequest: Sendable, Equatable {
    var method: String
    /// Without scheme, host and query.
    var path: String
    /// HTTP/1.1 and later minor versions: the client reads chunks.
    var isModern: Bool
    /// Whether the client wants to go on with the connection after the answer.
    var keepsAlive: Bool
}

enum HTTPStatus: Int, Sendable {
    case ok = 200
    case badRequest = 400
    case notFound = 404
    case methodNotAllowed = 405
    case requestTimeout = 408
    case contentTooLarge = 413
    case headTooLarge = 431
    case notImplemented = 501
    case unavailable = 503
    case versionNotSupported = 505

    var phrase: String {
        switch self {
        case .ok: "OK"
        case .badRequest: "Bad Request"
        case .notFound: "Not Found"
        case .methodNotAllowed: "Method Not Allowed"
        case .requestTimeout: "Request Timeout"
        case .contentTooLarge: "Content Too Large"
        case .headTooLarge: "Request Header Fields Too Large"
        case .notImplemented: "Not Implemented"
        case .unavailable: "Service Unavailable"
        case .versionNotSupported: "HTTP Version Not Supported"
        }
    }
}

/// Why a request is not answered with what it asked for. The sentence is for the client.
struct HTTPRefusal: Error, Sendable, Equatable {
    let status: HTTPStatus
    let sentence: String

    init(_ status: HTTPStatus, _ sentence: String) {
        self.status = status
        self.sentence = sentence
    }
}
