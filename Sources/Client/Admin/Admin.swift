package import Primitives
internal import WireProtocol

/// What an operator asks of a cluster and changes in it: topics, their settings, groups and their
/// offsets.
///
/// Each call is done within the cluster's time limit, or all of them by the deadline that was
/// given, retries included. After a lost connection a change is sent again, so that it may have
/// been made although the answer says that there was nothing to do.
package struct Admin: Sendable {
    package let cluster: Cluster

    /// nil where each call has the cluster's time limit for itself.
    private let limit: MonotonicTime?

    package init(_ cluster: Cluster, by limit: MonotonicTime? = nil) {
        self.cluster = cluster
        self.limit = limit
    }

    /// When a call that begins now has to be done.
    var deadline: MonotonicTime { limit ?? cluster.deadline }

    /// An answer for one of several things that were asked for.
    package typealias Outcome<Value> = Result<Value, ClientError>

    /// Sends a change to the controller until it is taken or refused for good.
    ///
    /// - Parameter check: throws for a refusal.
    func change<Request: RequestMessage, Answer: Sendable>(
        _ make: @Sendable (_ timeoutMilliseconds: Int32) -> Request,
        _ check: @Sendable (Request.Response) throws -> Answer
    ) async throws -> Answer {
        let deadline = deadline
        return try await cluster.retrying(by: deadline) {
            let connection = try await cluster.controllerConnection(by: deadline)
            let response = try await connection.call(
                make(cluster.requestTimeout(by: deadline)), by: deadline)
            return try check(response)
        }
    }

    /// Asks whichever broker answers.
    func ask<Request: RequestMessage, Answer: Sendable>(
        _ request: Request, _ check: @Sendable (Request.Response) throws -> Answer
    ) async throws -> Answer {
        let deadline = deadline
        return try await cluster.retrying(by: deadline) {
            let connection = try await cluster.anyConnection(by: deadline)
            return try check(try await connection.call(request, by: deadline))
        }
    }
}

extension Sequence {
    /// Groups of elements by their topic, topics and elements in order of appearance.
    func byTopic(_ topic: (Element) -> String) -> [(name: String, elements: [Element])] {
        var places: [String: Int] = [:]
        var groups: [(name: String, elements: [Element])] = []
        for element in self {
            let name = topic(element)
            if let place = places[name] {
                groups[place].elements.append(element)
            } else {
                places[name] = groups.count
                groups.append((name, [element]))
            }
        }
        return groups
    }
}
