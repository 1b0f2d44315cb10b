internal import Primitives
internal import WireProtocol

/// What one broker is asked at once.
struct BrokerShare<Key: Sendable>: Sendable {
    let broker: BrokerID
    let connection: BrokerConnection
    let keys: [Key]
}

extension Cluster {
    /// The pauses between attempts, each twice the one before.
    private static var pauses: ClosedRange<Int64> { 50...1000 }

    /// Calls `attempt` until it succeeds, fails for good, or would begin after `deadline`; then
    /// throws what it failed with last.
    nonisolated func retrying<Result: Sendable>(
        by deadline: MonotonicTime, _ attempt: @Sendable () async throws -> Result
    ) async throws -> Result {
        let limits = RetryLimits(deadline, self)
        var wait = Self.pauses.lowerBound
        while true {
            do { return try await attempt() } catch let error as ClientError {
                guard limits.allow(error, after: wait) else { throw error }
            }
            await pause(milliseconds: wait)
            wait = min(wait * 2, Self.pauses.upperBound)
        }
    }

    /// Asks for each of many keys the broker that answers for it, all brokers at once and each with
    /// all of its keys in one request; keys that failed for now are routed anew and asked again
    /// until `deadline`.
    ///
    /// - Parameters:
    ///   - route: says for each of the keys whom to ask; it is told whether they have failed once.
    ///   - ask: the answers of one broker; throws what concerns all of its keys.
    ///   - anyWillDo: whether some keys' answers are not held back by those that failed for now.
    /// - Returns: an answer or the last failure for each key.
    nonisolated func scatter<Key: Hashable & Comparable & Sendable, Answer: Sendable>(
        _ keys: [Key], by deadline: MonotonicTime, anyWillDo: Bool = false,
        route: @Sendable (_ keys: [Key], _ isRetry: Bool) async throws -> [Key: Routed],
        ask: @escaping @Sendable (BrokerShare<Key>) async throws -> [Key: Answered<Answer>]
    ) async throws -> [Key: Answered<Answer>] {
        let limits = RetryLimits(deadline, self)
        var answers: [Key: Answered<Answer>] = [:]
        var open = keys
        var wait = Self.pauses.lowerBound
        var isRetry = false
        while !open.isEmpty {
            let routes = try await retrying(by: deadline) { [open, isRetry] in
                try await route(open, isRetry)
            }
            isRetry = true
            for (key, answer) in await askAll(open, routes, by: deadline, ask) {
                answers[key] = answer
            }
            open = open.filter { key in
                guard case .failure(let error)? = answers[key] else { return false }
                return limits.allow(error, after: wait)
            }
            if anyWillDo, open.count < keys.count { break }
            if !open.isEmpty { await pause(milliseconds: wait) }
            wait = min(wait * 2, Self.pauses.upperBound)
        }
        return answers
    }

    typealias Routed = Result<BrokerID, ClientError>
    typealias Answered<Answer> = Result<Answer, ClientError>

    /// One round of `scatter`.
    private nonisolated func askAll<Key: Hashable & Comparable & Sendable, Answer: Sendable>(
        _ keys: [Key], _ routes: [Key: Routed], by deadline: MonotonicTime,
        _ ask: @escaping @Sendable (BrokerShare<Key>) async throws -> [Key: Answered<Answer>]
    ) async -> [Key: Answered<Answer>] {
        var answers: [Key: Answered<Answer>] = [:]
        var shares: [BrokerID: [Key]] = [:]
        for key in keys {
            switch routes[key] {
            case .success(let broker)?: shares[broker, default: []].append(key)
            case .failure(let error)?: answers[key] = .failure(error)
            case nil: answers[key] = .failure(Self.unanswered(key))
            }
        }
        await withTaskGroup(of: [Key: Answered<Answer>].self) { group in
            for (broker, share) in shares.sorted(by: { $0.key < $1.key }) {
                group.addTask { await self.ask(broker, share, by: deadline, ask) }
            }
            for await part in group { answers.merge(part) { $1 } }
        }
        return answers
    }

    private nonisolated func ask<Key: Hashable & Sendable, Answer: Sendable>(
        _ broker: BrokerID, _ keys: [Key], by deadline: MonotonicTime,
        _ ask: @Sendable (BrokerShare<Key>) async throws -> [Key: Answered<Answer>]
    ) async -> [Key: Answered<Answer>] {
        var answers: [Key: Answered<Answer>] = [:]
        var general: ClientError?
        do {
            let connection = try await connection(to: broker, by: deadline)
            answers = try await ask(
                BrokerShare(broker: broker, connection: connection, keys: keys))
        } catch {
            general = error as? ClientError ?? .invalid("\(error)")
        }
        for key in keys where answers[key] == nil {
            answers[key] = .failure(general ?? Self.unanswered(key))
        }
        return answers
    }

    private static func unanswered(_ key: some Any) -> ClientError {
        .refused(.unknownServerError, "\(key)", reason: "the answer left it out")
    }
}

/// Until when what failed is tried again.
private struct RetryLimits {
    private let deadline: MonotonicTime
    /// For brokers that could never be reached, which as a rule stays so.
    private let patience: MonotonicTime
    private let clock: any Clock

    init(_ deadline: MonotonicTime, _ cluster: Cluster) {
        self.deadline = deadline
        clock = cluster.clock
        patience = clock.monotonic().adding(
            milliseconds: cluster.configuration.patienceMilliseconds)
    }

    /// Whether to try again after so long a pause.
    func allow(_ error: ClientError, after pause: Int64) -> Bool {
        guard error.isRetriable else { return false }
        let next = clock.monotonic().adding(milliseconds: pause)
        if case .unreachable(_, _, _, wasReached: false) = error {
            return next < min(deadline, patience)
        }
        return next < deadline
    }
}
