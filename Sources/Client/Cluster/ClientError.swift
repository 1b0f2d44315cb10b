package import Primitives
internal import WireProtocol

/// Why something asked of a cluster was not done: a sentence that says what was found, where, and
/// what to do about it where that is not plain.
package enum ClientError: Error, Sendable, CustomStringConvertible {
    /// None of the servers can be reached; a reason for each. One that was reached before comes
    /// back as a rule; where none was, the addresses are wrong as a rule.
    case noServer([String], wasReached: Bool)
    /// A broker that the cluster named cannot be reached under the address it advertises. One that
    /// was reached there before comes back as a rule.
    case unreachable(BrokerID, address: String, reason: String, wasReached: Bool)
    /// The connection ended before the answer came. Whether the request was carried out is not
    /// known.
    case connectionLost(address: String, reason: String)
    case timedOut(request: String, address: String, milliseconds: Int64)
    /// What was asked for took so long that it was not sent any more.
    case noTimeLeft(request: String, address: String)
    /// There is no version of the API that both know.
    case unsupported(request: String, address: String, reason: String)
    /// The answer is not one of Kafka's.
    case malformed(request: String, address: String, DecodeError)
    /// The cluster said no.
    case refused(Refusal)
    /// The cluster has no such thing.
    case missing(Subject)
    /// What was asked for cannot be done, whatever the cluster would say.
    case invalid(String)

    package enum Subject: Sendable, Equatable, CustomStringConvertible {
        case topic(String)
        case partition(TopicPartition)
        case group(String)

        package var description: String {
            switch self {
            case .topic(let name): "topic \"\(name)\""
            case .partition(let partition):
                "partition \(partition.partition) of topic \"\(partition.topic)\""
            case .group(let id): "group \"\(id)\""
            }
        }
    }

    /// A cluster's no to one thing: an error code of the protocol.
    package struct Refusal: Sendable, Equatable {
        /// What was asked about, for example `topic "orders"`.
        package let subject: String
        package let code: Int16
        /// The cluster's own words; nil where it gave none.
        package let reason: String?

        package init(_ subject: String, code: Int16, reason: String? = nil) {
            self.subject = subject
            self.code = code
            self.reason = reason.flatMap { $0.isEmpty ? nil : $0 }
        }

        init(_ subject: String, _ code: ErrorCode, reason: String? = nil) {
            self.init(subject, code: code.rawValue, reason: reason)
        }

        var errorCode: ErrorCode? { ErrorCode(rawValue: code) }
    }

    /// Whether the same request may succeed a moment later.
    var isRetriable: Bool {
        switch self {
        case .connectionLost, .timedOut, .noTimeLeft, .unreachable: true
        case .noServer(_, let wasReached): wasReached
        case .refused(let refusal): refusal.errorCode?.isRetriable ?? false
        case .unsupported, .malformed, .missing, .invalid: false
        }
    }

    /// Whether nobody could be asked.
    package var isUnreachable: Bool {
        switch self {
        case .noServer, .unreachable, .connectionLost, .timedOut, .noTimeLeft: true
        case .unsupported, .malformed, .refused, .missing, .invalid: false
        }
    }

    /// Whether a topic could not be made because there is one of that name.
    package var isExistingTopic: Bool { isRefusal(.topicAlreadyExists) }

    /// Whether it is a refusal with `code`.
    func isRefusal(_ code: ErrorCode) -> Bool {
        if case .refused(let refusal) = self { return refusal.code == code.rawValue }
        return false
    }

    package var description: String {
        switch self {
        case .noServer(let reasons, wasReached: false):
            "no server answers: \(reasons.joined(separator: "; ")); "
                + "is the broker running, and is this its address?"
        case .noServer(let reasons, wasReached: true):
            "no server answers any more: \(reasons.joined(separator: "; ")); "
                + "it was tried again until the time was up: is the broker being restarted?"
        case .unreachable(let broker, let address, let reason, wasReached: false):
            "broker \(broker) cannot be reached at \(address), the address it advertises: "
                + "\(reason); set the broker's advertised.listeners to one that reaches it from here"
        case .unreachable(let broker, let address, let reason, wasReached: true):
            "broker \(broker) cannot be reached at \(address) any more: \(reason); "
                + "is it being restarted?"
        case .connectionLost(let address, let reason):
            "the connection to \(address) was lost: \(reason)"
        case .timedOut(let request, let address, let milliseconds):
            "\(address) did not answer \(request) within \(milliseconds) ms"
        case .noTimeLeft(let request, let address):
            "no time was left to send \(request) to \(address); allow for more"
        case .unsupported(let request, let address, let reason):
            "\(address) cannot do \(request): \(reason)"
        case .malformed(let request, let address, let error):
            "the answer of \(address) to \(request) cannot be read: \(error)"
        case .refused(let refusal): refusal.description
        case .missing(let what): "\(what) does not exist"
        case .invalid(let reason): reason
        }
    }
}

extension ClientError.Refusal: CustomStringConvertible {
    package var description: String {
        let name = errorCode?.name ?? "error \(code)"
        var text = reason ?? errorCode?.message ?? "an error this client has no words for"
        while text.hasSuffix(".") { text.removeLast() }
        return "\(subject): \(text) (\(name))"
    }
}

extension ClientError {
    /// nil for "no error".
    init?(_ code: Int16, _ subject: @autoclosure () -> String, reason: String? = nil) {
        if code == ErrorCode.noError.rawValue { return nil }
        self = .refused(Refusal(subject(), code: code, reason: reason))
    }

    /// A refusal of something about a topic. One that does not exist is not asked for again, as
    /// Kafka's clients do: its name is wrong as a rule.
    init?(topic: String, _ code: Int16, reason: String? = nil) {
        if code == ErrorCode.unknownTopicOrPartition.rawValue {
            self = .missing(.topic(topic))
        } else {
            self.init(code, "\(Subject.topic(topic))", reason: reason)
        }
    }

    /// A refusal of something about a group; `missing` where it does not exist.
    init?(group: String, _ code: Int16, reason: String? = nil) {
        if code == ErrorCode.groupIdNotFound.rawValue {
            self = .missing(.group(group))
        } else {
            self.init(code, "\(Subject.group(group))", reason: reason)
        }
    }

    static func refused(_ code: ErrorCode, _ subject: String, reason: String? = nil) -> Self {
        .refused(Refusal(subject, code, reason: reason))
    }
}
