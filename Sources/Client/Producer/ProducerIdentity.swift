internal import Primitives
internal import WireProtocol

/// Under which a producer's batches are numbered, partition by partition, so that a broker knows one
/// that is sent again (KIP-98).
struct ProducerIdentity: Sendable, Equatable {
    let id: ProducerID
    let epoch: ProducerEpoch
}

/// Has the cluster give a producer its identity, and a new one when the numbers of the old one are
/// of no use any more.
///
/// States: *none*, *asking*, *known*. Inputs: somebody needs it (none → asking, for all who come
/// meanwhile), the cluster answers (asking → known, or none after a failure), it is abandoned
/// (known → none).
actor ProducerIdentitySource {
    private enum State {
        case none
        case asking(Task<ProducerIdentity, any Error>)
        case known(ProducerIdentity)
    }

    private let cluster: Cluster
    private var state = State.none

    init(_ cluster: Cluster) { self.cluster = cluster }

    /// The identity, which the cluster is asked for until `deadline` where there is none.
    func identity(by deadline: MonotonicTime) async throws -> ProducerIdentity {
        try await cluster.retrying(by: deadline) { try await self.attempt(by: deadline) }
    }

    /// Gives up an identity, if it is still the one in use: the next batches get a new one, in which
    /// they are numbered from 0.
    func abandon(_ identity: ProducerIdentity) {
        if case .known(identity) = state { state = .none }
    }

    /// Takes part in the attempt that is under way, or makes one.
    private func attempt(by deadline: MonotonicTime) async throws -> ProducerIdentity {
        let task: Task<ProducerIdentity, any Error>
        switch state {
        case .known(let identity): return identity
        case .asking(let begun): task = begun
        case .none:
            task = Task { [cluster] in try await Self.ask(cluster, by: deadline) }
            state = .asking(task)
        }
        let result = await task.result
        // The first of those who waited notes it.
        if case .asking(task) = state {
            switch result {
            case .success(let identity): state = .known(identity)
            case .failure: state = .none
            }
        }
        return try result.get()
    }

    private static func ask(
        _ cluster: Cluster, by deadline: MonotonicTime
    ) async throws -> ProducerIdentity {
        var request = InitProducerIdRequest()
        request.transactionalId = nil
        // Without transactions none can last too long.
        request.transactionTimeoutMs = .max
        let connection = try await cluster.anyConnection(by: deadline)
        let response = try await connection.call(request, by: deadline)
        if let error = ClientError(response.errorCode, "a producer's id") { throw error }
        return ProducerIdentity(
            id: ProducerID(response.producerId), epoch: ProducerEpoch(response.producerEpoch))
    }
}
