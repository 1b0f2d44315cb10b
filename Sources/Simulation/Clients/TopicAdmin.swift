internal import Networking
internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// Makes the topics of a run, then makes and deletes one of its own, over and over, and deletes
/// records or makes partitions where a topic is there for that.
///
/// States: *making topics*, one after another; *churning*: its own topic is absent, or present, or
/// nobody knows since an answer was lost. Inputs: answers, the loss of the connection, a timer. A
/// topic that was made just now is empty, and one that was deleted is unknown. It writes to what it
/// made, so that there is something that the next topic of this name must not have.
///
/// `@unchecked Sendable`: all of it is touched by the thread that runs the agenda only.
final class TopicAdmin: LinkOwner, @unchecked Sendable {
    private enum Own { case absent, present, unknown }

    let topics: [SimulatedTopic]
    let link: ClientLink
    private let loop: any EventLoop
    let judge: Judge
    private let clock: any Clock
    var random: SeededRandom
    private var madeCount = 0
    private var own = Own.absent
    private var isBusy = false
    private var timer: TimerToken?
    private(set) var turnCount = 0
    private var hasWhims = true

    private static let ownTopic = "scratch"
    static let patience: Int64 = 30_000
    static let retryMilliseconds: Int64 = 200
    /// Longer than anything is under way.
    private static let settlingMilliseconds: Int64 = 5000
    private static let pace: ClosedRange<Int64> = 500...6000

    init(
        _ topics: [SimulatedTopic], network: SimulatedNetwork, judge: Judge, clock: any Clock,
        seed: UInt64
    ) {
        self.topics = topics
        self.judge = judge
        self.clock = clock
        random = SeededRandom(seed: seed)
        loop = network.loops[0]
        link = ClientLink("admin", network: network, judge: judge)
    }

    /// All topics of the run are there.
    var isReady: Bool { madeCount == topics.count }

    func start() { link.start(for: self) }
    func stop() { link.stop() }

    /// No more whims: what clients read stays as it is, once all partitions are there.
    func settleDown() { hasWhims = false }

    func linkOpened() {
        // What went out on the connection before may still be on its way to the broker.
        if own == .unknown { return settleLater() }
        goOn()
    }

    private func settleLater() {
        isBusy = true
        later(Self.settlingMilliseconds)
    }

    func linkLost() {
        isBusy = false
        if isReady { own = .unknown }
    }

    func later(_ milliseconds: Int64) {
        if let timer { loop.cancel(timer) }
        timer = loop.schedule(at: loop.now.adding(milliseconds: milliseconds)) { [weak self] in
            self?.isBusy = false
            self?.goOn()
        }
    }

    private func goOn() {
        guard link.isOpen, !isBusy else { return }
        isBusy = true
        if madeCount < topics.count { return make(topics[madeCount]) }
        if let topic = topics.first(where: \.isGrowing), !hasWhims || random.chance(4) {
            return grow(topic)
        }
        if hasWhims, !trimmed.isEmpty, random.chance(2) { return trim() }
        switch own {
        case .absent: makeOwn()
        case .present: deleteOwn()
        case .unknown: random.chance(2) ? makeOwn() : deleteOwn()
        }
    }

    func rest() {
        turnCount += 1
        later(Self.pace.lowerBound + Int64(random.below(Self.pace.count)))
    }

    // MARK: The topics of the run

    private func make(_ topic: SimulatedTopic) {
        create(
            topic.name, partitions: topic.count, configuration: topic.configuration
        ) { [self] code in
            switch code {
            case .noError, .topicAlreadyExists: learnID(of: topic)
            default:
                judge.require(code.isRetriable, "admin: making \(topic.name) ends with \(code)")
                later(Self.retryMilliseconds)
            }
        }
    }

    private func learnID(of topic: SimulatedTopic) {
        var entry = MetadataRequest.MetadataRequestTopic()
        entry.name = topic.name
        var request = MetadataRequest()
        request.topics = [entry]
        link.call(request, version: 12, patience: Self.patience) { [weak self] result in
            guard let self, case .success(let response) = result else { return }
            guard let answer = response.topics.first, answer.errorCode == 0 else {
                return later(Self.retryMilliseconds)
            }
            judge.require(
                answer.partitions.count == topic.count,
                "admin: \(topic.name) has \(answer.partitions.count) partitions")
            topic.id = answer.topicId
            madeCount += 1
            later(1)
        }
    }

    // MARK: Its own topic

    private func makeOwn() {
        let wasAbsent = own == .absent
        own = .unknown
        create(Self.ownTopic, partitions: 1 + random.below(3), configuration: []) { [self] code in
            switch code {
            case .noError:
                own = .present
                expectEmpty()
            case .topicAlreadyExists:
                judge.require(!wasAbsent, "admin: a topic that was deleted exists")
                own = .present
                rest()
            default:
                judge.requireRetriable(code, "admin: making a topic ends with \(code)")
                later(Self.retryMilliseconds)
            }
        }
    }

    /// A topic made anew has nothing of one that had its name before.
    private func expectEmpty() {
        var request = ListOffsetsRequest()
        request.replicaId = -1
        var topic = ListOffsetsRequest.ListOffsetsTopic()
        topic.name = Self.ownTopic
        var partition = ListOffsetsRequest.ListOffsetsPartition()
        partition.timestamp = -1
        topic.partitions = [partition]
        request.topics = [topic]
        link.call(request, version: 7, patience: Self.patience) { [weak self] result in
            guard let self, case .success(let response) = result else { return }
            let answer = response.topics.first?.partitions.first
            let code = ErrorCode(rawValue: answer?.errorCode ?? -1)
            // There was no room for it on the disk: the broker tries again now and then.
            if code == .notLeaderOrFollower || code == .kafkaStorageError {
                return expectEmptyLater()
            }
            judge.require(
                code == .noError && answer?.offset == 0,
                "admin: the end of a new topic is \(answer?.offset ?? -1), error "
                    + "\(answer?.errorCode ?? -1)")
            fill()
        }
    }

    /// Writes the first record to a new topic.
    private func fill() {
        var data = ProduceRequest.PartitionProduceData()
        data.records = .bytes(record)
        var topic = ProduceRequest.TopicProduceData()
        topic.name = Self.ownTopic
        topic.partitionData = [data]
        var request = ProduceRequest()
        request.acks = -1
        request.timeoutMs = 10_000
        request.topicData = [topic]
        link.call(request, version: 9, patience: Self.patience) { [weak self] result in
            guard let self, case .success(let response) = result else { return }
            let answer = response.responses.first?.partitionResponses.first
            switch ErrorCode(rawValue: answer?.errorCode ?? -1) {
            case .noError:
                judge.require(
                    answer?.baseOffset == 0,
                    "admin: the first record of a new topic is at \(answer?.baseOffset ?? -1)")
            case .invalidTimestamp: break
            case let code: judge.requireRetriable(code, "admin: a new topic takes no record")
            }
            rest()
        }
    }

    private var record: Bytes {
        var builder = RecordBatchBuilder()
        builder.append(timestamp: clock.wall(), key: nil, value: Bytes([1]))
        do throws(CompressionError) {
            return try builder.build()
        } catch {
            preconditionFailure("an uncompressed batch cannot be built: \(error)")
        }
    }

    private func expectEmptyLater() {
        _ = loop.schedule(at: loop.now.adding(milliseconds: Self.retryMilliseconds)) {
            [weak self] in
            if let self, own == .present { expectEmpty() }
        }
    }

    private func deleteOwn() {
        let wasPresent = own == .present
        own = .unknown
        var request = DeleteTopicsRequest()
        request.topicNames = [Self.ownTopic]
        request.timeoutMs = 10_000
        link.call(request, version: 5, patience: Self.patience) { [weak self] result in
            guard let self, case .success(let response) = result else { return }
            let code = ErrorCode(rawValue: response.responses.first?.errorCode ?? -1)
            switch code {
            case .noError:
                own = .absent
                rest()
            case .unknownTopicOrPartition:
                judge.require(!wasPresent, "admin: a topic that was made does not exist")
                own = .absent
                rest()
            case let code:
                judge.requireRetriable(
                    code,
                    "admin: deleting a topic ends with \(response.responses.first?.errorCode ?? -1)"
                )
                later(Self.retryMilliseconds)
            }
        }
    }

    private func create(
        _ name: String, partitions: Int, configuration: [(String, String)],
        then: @escaping (ErrorCode) -> Void
    ) {
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = name
        topic.numPartitions = Int32(partitions)
        topic.replicationFactor = 1
        topic.configs = configuration.map { name, value in
            var entry = CreateTopicsRequest.CreatableTopicConfig()
            entry.name = name
            entry.value = value
            return entry
        }
        var request = CreateTopicsRequest()
        request.timeoutMs = 10_000
        request.topics = [topic]
        link.call(request, version: 5, patience: Self.patience) { [weak self] result in
            guard let self, case .success(let response) = result else { return }
            guard let code = ErrorCode(rawValue: response.topics.first?.errorCode ?? -1) else {
                return judge.accuse("admin: an unknown error of a creation")
            }
            then(code)
        }
    }
}
