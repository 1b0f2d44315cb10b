internal import Coordination
internal import Networking
internal import Primitives
internal import WireProtocol

/// FindCoordinator, versions 0 to 6: the broker that coordinates a group, which leads the group's
/// partition of `__consumer_offsets`.
///
/// - Several keys at once from 4 (KIP-699).
/// - The topic is made when the first group is looked for; the answer waits for it.
/// - There are no transactions yet: who asks for their coordinator is refused for good, for at "not
///   available" the Java client asks again without a pause. Share groups are refused, too.
///
/// Announced also because librdkafka takes a broker without it to be older than lz4, and then sends
/// lz4 batches uncompressed, without a word.
struct FindCoordinatorHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...6

    private enum KeyType {
        static let group: Int8 = 0
        static let transaction: Int8 = 1
    }

    let view: CurrentView
    let groups: GroupCoordinator
    let topicCreation: TopicCreation

    func handle(_ request: FindCoordinatorRequest, _ call: Call<FindCoordinatorResponse>) {
        let isThere = view.now.image.topic(named: OffsetsTopic.name) != nil
        if isThere || request.keyType != KeyType.group { return answer(request, call) }
        topicCreation.create([OffsetsTopic.name]) { failures in
            answer(request, call, failure: failures[OffsetsTopic.name])
        }
    }

    private func answer(
        _ request: FindCoordinatorRequest, _ call: Call<FindCoordinatorResponse>,
        failure: Refusal? = nil
    ) {
        let image = view.now.image
        let brokers = image.reachableBrokers(on: call.connection.listenerName)
        let keys = call.version >= 4 ? request.coordinatorKeys.distinct : [request.key]
        let found = keys.map { key in
            var coordinator = FindCoordinatorResponse.Coordinator()
            coordinator.key = key
            do throws(Refusal) {
                if let failure { throw Refusal(.coordinatorNotAvailable, failure.message) }
                let broker = try find(key, type: request.keyType, image, brokers)
                coordinator.nodeId = broker.id.rawValue
                coordinator.host = broker.host
                coordinator.port = broker.port
            } catch {
                coordinator.nodeId = -1
                coordinator.port = -1
                coordinator.errorCode = error.code.rawValue
                coordinator.errorMessage = error.message
            }
            return coordinator
        }
        call.answer(.init(found))
    }

    private func find(
        _ key: String, type: Int8, _ image: MetadataImage, _ brokers: [ReachableBroker]
    ) throws(Refusal) -> ReachableBroker {
        switch type {
        case KeyType.group: break
        case KeyType.transaction:
            throw Refusal(.invalidRequest, "this broker has no transactions yet")
        default:
            throw Refusal(.invalidRequest, "coordinators of type \(type) are not known here")
        }
        let leader = groups.coordinator(of: key, in: image)
        guard let broker = brokers.first(where: { $0.id == leader }) else {
            throw Refusal(.coordinatorNotAvailable, "the group's partition has no leader now")
        }
        return broker
    }
}

extension FindCoordinatorResponse {
    /// In both forms: the list, and the one of the versions before 4.
    fileprivate init(_ found: [Coordinator]) {
        self.init()
        coordinators = found
        guard let first = found.first else { return }
        errorCode = first.errorCode
        errorMessage = first.errorMessage
        nodeId = first.nodeId
        host = first.host
        port = first.port
    }
}
