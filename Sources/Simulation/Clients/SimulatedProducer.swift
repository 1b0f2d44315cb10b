internal import Networking
internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// A producer of one partition, as client libraries have them.
///
/// States: *without an id* (idempotent ones only), asking for one; *producing*: batches in order,
/// each waiting, under way, or settled and gone. Inputs: its own pace, answers, the loss of the
/// connection. After a loss all that is not settled is sent again, in order; after a refusal too,
/// once everything under way is answered. A batch is never given up.
///
/// `@unchecked Sendable`: all of it is touched by the thread that runs the agenda only.
final class SimulatedProducer: LinkOwner, @unchecked Sendable {
    struct Settings: Sendable {
        var acks: Int16 = -1
        var isIdempotent = false
        /// Batches under way at once; one where order would suffer.
        var depth = 1
        var version: Int16 = 9
        /// Milliseconds between batches.
        var pace: ClosedRange<Int64> = 20...400
        var recordsPerBatch = 1...6
        var padding = 0...200

        var promise: DeliveryPromise {
            if acks == 0 { return .atMostOnce }
            return isIdempotent ? .exactlyOnce : .atLeastOnce
        }
    }

    let number: Int32
    private let target: SimulatedTopic
    private let partition: Int32
    private let settings: Settings
    private let link: ClientLink
    private let loop: any EventLoop
    private let judge: Judge
    private let clock: any Clock
    private var random: SeededRandom

    private var identity: RecordBatchBuilder.Producer?
    /// The era in which the identity was got.
    private var identityEra = 0
    /// The era in which something of the identity was acknowledged last.
    private var knownEra: Int?
    private var nextSequence: Int32 = 0
    private var nextNumber: Int32 = 0
    private var unsettled: [ProducerBatch] = []
    private var mustRepeat = false
    /// An identity is on its way: a second one would begin the numbers anew under way.
    private var isAsking = false
    private var isProducing = true
    private var isPausing = false
    private(set) var settledCount = 0

    private static let waitingLimit = 40
    private static let patience: Int64 = 20_000
    private static let retryMilliseconds: Int64 = 100

    init(
        _ number: Int32, of target: SimulatedTopic, partition: Int32, settings: Settings,
        network: SimulatedNetwork, judge: Judge, clock: any Clock, seed: UInt64
    ) {
        self.number = number
        self.target = target
        self.partition = partition
        self.settings = settings
        self.judge = judge
        self.clock = clock
        random = SeededRandom(seed: seed)
        loop = network.loops[0]
        link = ClientLink("producer-\(number)", network: network, judge: judge)
        history.expect(settings.promise, of: number)
    }

    private var history: PartitionHistory { target.histories[Int(partition)] }

    func start() {
        link.start(for: self)
        produceLater()
    }

    /// Makes no more batches; what there is goes on.
    func finish() { isProducing = false }

    /// Makes no batches until `goOn`.
    func pause() { isPausing = true }
    func goOn() { isPausing = false }

    /// Everything that was produced is settled.
    var isSettled: Bool { unsettled.isEmpty }

    func stop() { link.stop() }

    // MARK: Producing

    private func produceLater() {
        let range = settings.pace
        let delay = range.lowerBound + Int64(random.below(Int(range.upperBound - range.lowerBound)))
        _ = loop.schedule(at: loop.now.adding(milliseconds: delay)) { [weak self] in
            self?.produce()
        }
    }

    private func produce() {
        guard isProducing else { return }
        let isThere = partition < target.count
        if isThere, !isPausing, unsettled.count < Self.waitingLimit {
            let records = settings.recordsPerBatch
            let count = records.lowerBound + random.below(records.count)
            unsettled.append(
                ProducerBatch(
                    first: RecordMark(producer: number, number: nextNumber), count: count,
                    padding: settings.padding.lowerBound + random.below(settings.padding.count)))
            nextNumber += Int32(count)
        }
        sendOn()
        produceLater()
    }

    func linkOpened() { sendOn() }

    func linkLost() {
        for index in unsettled.indices where unsettled[index].isUnderWay {
            unsettled[index].isUnderWay = false
            unsettled[index].isRepeated = true
        }
        (isAsking, mustRepeat) = (false, false)
    }

    private func sendOn() {
        guard link.isOpen, !mustRepeat else { return }
        if settings.isIdempotent, identity == nil { return askForIdentity() }
        var underWay = unsettled.count { $0.isUnderWay }
        for index in unsettled.indices where !unsettled[index].isUnderWay {
            if underWay >= settings.depth { break }
            if settings.acks == 0 { continue }
            send(index)
            underWay += 1
        }
        if settings.acks == 0 { sendAndForget() }
    }

    private func sendAndForget() {
        for batch in unsettled {
            guard link.tell(request(batch), version: settings.version) else { return }
            settledCount += 1
        }
        unsettled = []
    }

    private func send(_ index: Int) {
        unsettled[index].isUnderWay = true
        if settings.isIdempotent, unsettled[index].baseSequence == nil {
            unsettled[index].baseSequence = nextSequence
            unsettled[index].sentAtStart = judge.starts
            nextSequence += Int32(unsettled[index].count)
        }
        let (batch, era) = (unsettled[index], history.era)
        link.call(
            request(batch), version: settings.version, patience: Self.patience
        ) { [weak self] result in
            if case .success(let response) = result { self?.answered(batch, response, era) }
        }
    }

    private func request(_ batch: ProducerBatch) -> ProduceRequest {
        var producer = identity ?? .none
        producer.baseSequence = batch.baseSequence ?? -1
        var data = ProduceRequest.PartitionProduceData()
        data.index = partition
        do throws(CompressionError) {
            data.records = .bytes(try batch.encoded(as: producer, at: clock.wall()))
        } catch {
            preconditionFailure("an uncompressed batch cannot be built: \(error)")
        }
        var topic = ProduceRequest.TopicProduceData()
        topic.name = target.name
        topic.topicId = target.id
        topic.partitionData = [data]
        var request = ProduceRequest()
        request.acks = settings.acks
        request.timeoutMs = 10_000
        request.topicData = [topic]
        return request
    }

    // MARK: Answers

    private func answered(_ batch: ProducerBatch, _ response: ProduceResponse, _ era: Int) {
        guard let index = unsettled.firstIndex(where: { $0.first == batch.first }),
            let answer = response.responses.first?.partitionResponses.first
        else { return judge.accuse("producer \(number): an answer without its partition") }
        switch ErrorCode(rawValue: answer.errorCode) {
        case .noError:
            judge.require(
                answer.baseOffset >= 0, "producer \(number): acknowledged without an offset")
            history.served()
            checkOrder(index, era)
            history.acknowledge(
                batch.first, count: batch.count, at: answer.baseOffset, era: era, now: loop.now)
            settle(index)
        case .duplicateSequenceNumber:
            judge.require(
                unsettled[index].isRepeated,
                "producer \(number): a batch that was sent once is taken for a repeat")
            settle(index)
        case .outOfOrderSequenceNumber, .unknownProducerId, .invalidProducerEpoch:
            refusedSequence(index, answer.errorCode)
        case .invalidTimestamp:
            // The broker's clock was set back while the batch was on its way.
            repeatLater(index)
        case let code?:
            history.requireRetriable(
                code, "producer \(number): \(code), \(answer.errorMessage ?? "")")
            // It may be in the log all the same, where a disk failed behind the append.
            unsettled[index].isRepeated = true
            repeatLater(index)
        case nil:
            judge.accuse("producer \(number): error \(answer.errorCode)")
        }
    }

    /// A log that does not know the producer takes any sequence, as with Kafka: so a batch may get in
    /// before an earlier one that was refused, where that found no room, or where a loss of power
    /// took all that the log had of the producer.
    private func checkOrder(_ index: Int, _ era: Int) {
        defer { if era == history.era { knownEra = era } }
        if unsettled[..<index].allSatisfy(\.isUnderWay) { return }
        if isKnown { return }
        expectOfUnsettled(.inAnyOrder)
        for earlier in unsettled[..<index].indices { unsettled[earlier].isOvertaken = true }
    }

    /// The log knows what this identity has sent last.
    private var isKnown: Bool {
        knownEra.map { $0 == history.era || history.survivesPowerLoss } ?? false
    }

    /// Lowers what is expected of the records that were sent and are not settled, of no others.
    private func expectOfUnsettled(_ promise: DeliveryPromise) {
        for batch in unsettled where batch.baseSequence != nil {
            history.expect(
                promise, of: number, numbers: batch.first.number..<batch.nextNumber)
        }
    }

    private func settle(_ index: Int) {
        unsettled.remove(at: index)
        settledCount += 1
        if mustRepeat { return repeatWhenAnswered() }
        sendOn()
    }

    /// The broker does not know what came before. That is so behind a batch that was refused; after a
    /// loss of power that took what the broker knew of this producer; as with Kafka, after a
    /// restart with several batches unanswered: of a producer only the last batch survives in a
    /// snapshot, so an earlier one that comes again is not known as a repeat; and where a later batch
    /// got in first, see `checkOrder`, and its answer was lost. Whoever goes on then, with a new
    /// identity, repeats records.
    private func refusedSequence(_ index: Int, _ code: Int16) {
        if index > 0 || mustRepeat { return repeatLater(index) }
        let wasForgotten = history.mayHaveLost && identityEra < history.era
        let batch = unsettled[index]
        let mayBeOvertaken = batch.isOvertaken || !isKnown
        let mayBeRepeat =
            settings.depth > 1 && batch.isRepeated
            && (mayBeOvertaken || judge.starts > batch.sentAtStart)
        judge.require(
            wasForgotten || mayBeRepeat,
            "producer \(number): error \(code) for sequence "
                + "\(batch.baseSequence ?? -1), though nothing was lost")
        if mayBeRepeat { expectOfUnsettled(mayBeOvertaken ? .inAnyOrder : .atLeastOnce) }
        identity = nil
        repeatLater(index)
    }

    private func repeatLater(_ index: Int) {
        unsettled[index].isUnderWay = false
        mustRepeat = true
        repeatWhenAnswered()
    }

    private func repeatWhenAnswered() {
        if unsettled.contains(where: \.isUnderWay) { return }
        _ = loop.schedule(at: loop.now.adding(milliseconds: Self.retryMilliseconds)) {
            [weak self] in
            self?.mustRepeat = false
            self?.sendOn()
        }
    }

    private func askForIdentity() {
        if isAsking { return }
        (isAsking, mustRepeat) = (true, true)
        var request = InitProducerIdRequest()
        request.transactionalId = nil
        request.transactionTimeoutMs = 60_000
        let era = history.era
        link.call(request, version: 4, patience: Self.patience) { [weak self] result in
            guard let self, case .success(let response) = result else { return }
            (isAsking, mustRepeat) = (false, false)
            guard response.errorCode == 0 else { return repeatWhenAnswered() }
            identity = RecordBatchBuilder.Producer(
                id: ProducerID(response.producerId), epoch: ProducerEpoch(response.producerEpoch),
                baseSequence: -1)
            (identityEra, knownEra) = (era, nil)
            nextSequence = 0
            for index in unsettled.indices { unsettled[index].forgetIdentity() }
            sendOn()
        }
    }
}

extension ErrorCode {
    /// What a client library tries again after.
    var isRetriable: Bool {
        switch self {
        case .unknownTopicOrPartition, .unknownTopicId, .leaderNotAvailable, .notLeaderOrFollower,
            .requestTimedOut, .notEnoughReplicas, .notEnoughReplicasAfterAppend,
            .kafkaStorageError, .coordinatorLoadInProgress, .coordinatorNotAvailable,
            .notCoordinator, .networkException:
            true
        default: false
        }
    }
}
