internal import Networking
internal import Primitives
internal import WireProtocol

/// A consumer of all partitions of a topic, without a group.
///
/// States: *without a connection*; *fetching*, one request under way. Inputs: answers, the loss of
/// the connection. It reads each partition without a gap from the offset it has reached. Where that
/// is out of range, as a loss of power took records that it had read, or the log begins behind it, it
/// asks where the log begins and goes on there. Fetches wait at the broker, within a session where the
/// settings say so.
///
/// `@unchecked Sendable`: all of it is touched by the thread that runs the agenda only.
final class SimulatedConsumer: LinkOwner, @unchecked Sendable {
    struct Settings: Sendable {
        var version: Int16 = 12
        var usesSession = true
        var maxWaitMilliseconds: Int32 = 500
        var minBytes: Int32 = 1
        var maxBytes: Int32 = 1 << 20
        var partitionMaxBytes: Int32 = 100_000
        /// Milliseconds between an answer and the next fetch.
        var thinkTime: ClosedRange<Int64> = 0...50
    }

    /// A partition as it is read.
    struct Reading {
        var position: Int64 = 0
        /// In which the position was reached.
        var era = 0
        /// As the last answer gave it; nil before the first.
        var highWatermark: Int64?
        /// What the session knows the position to be; nil when it knows nothing.
        var told: Int64?
        /// Set while it does not know where to go on.
        var astray: Astray?
        /// All there is, where that is kept.
        var log = PartitionHistory.Log()
    }

    let name: String
    private let topic: SimulatedTopic
    private let settings: Settings
    private let keepsRecords: Bool
    private let link: ClientLink
    private let loop: any EventLoop
    private let judge: Judge
    private var random: SeededRandom
    private(set) var readings: [Reading]
    private var session: (id: Int32, epoch: Int32) = (0, 0)
    private(set) var answerCount = 0
    private var isHurried = false
    /// How often it had to begin a partition anew, as its position was out of range.
    private(set) var resetCount = 0
    /// Connections so far: what was put off on an earlier one is not done.
    private var linkCount = 0

    private static let retryMilliseconds: Int64 = 100
    private static let startPatience: Int64 = 20_000
    /// More than an answer is under way.
    private static let wakingMilliseconds: Int64 = 4000

    /// - Parameter keepsRecords: for an audit.
    init(
        _ name: String, of topic: SimulatedTopic, settings: Settings, keepsRecords: Bool = false,
        network: SimulatedNetwork, judge: Judge, seed: UInt64
    ) {
        self.name = name
        self.topic = topic
        self.settings = settings
        self.keepsRecords = keepsRecords
        self.judge = judge
        random = SeededRandom(seed: seed)
        readings = topic.histories.map { _ in Reading() }
        loop = network.loops[0]
        link = ClientLink(name, network: network, judge: judge)
    }

    func start() { link.start(for: self) }

    func stop() { link.stop() }

    /// It has an end to reach: goes on at once while there are records.
    func hurry() { isHurried = true }

    /// Where it stands, for whoever wonders why it does not get on.
    var standing: String {
        readings.prefix(topic.count).map { "\($0.position) of \($0.highWatermark ?? -1)" }.joined(
            separator: ", ")
            + (link.isOpen ? "" : ", no connection")
    }

    /// It has read everything that the broker told it is there.
    var isAtEnd: Bool {
        zip(readings, topic.histories).prefix(topic.count).allSatisfy { reading, history in
            reading.astray == nil && reading.era == history.era
                && reading.position == reading.highWatermark
        }
    }

    // MARK: Fetching

    func linkOpened() {
        linkCount += 1
        beginSession()
        fetch()
    }

    func linkLost() {}

    private func beginSession() {
        session = settings.usesSession ? (0, 0) : (0, -1)
        for index in readings.indices { readings[index].told = nil }
    }

    private func fetchLater(_ milliseconds: Int64) {
        let link = linkCount
        _ = loop.schedule(at: loop.now.adding(milliseconds: milliseconds)) { [weak self] in
            if let self, link == linkCount { fetch() }
        }
    }

    private func fetch() {
        guard link.isOpen else { return }
        if readings.contains(where: { $0.astray != nil }) { return askStarts() }
        let moments = topic.histories.map(\.moment)
        let asked = readings.prefix(topic.count).map(\.position)
        let sent = loop.now
        link.call(
            request(), version: settings.version,
            patience: Int64(settings.maxWaitMilliseconds) + 20_000
        ) { [weak self] result in
            guard let self, case .success(let response) = result else { return }
            checkWait(since: sent, asked, moments)
            answered(response, asked, moments)
        }
    }

    private func request() -> FetchRequest {
        var request = FetchRequest()
        request.maxWaitMs = settings.maxWaitMilliseconds
        request.minBytes = settings.minBytes
        request.maxBytes = settings.maxBytes
        request.sessionId = session.id
        request.sessionEpoch = session.epoch
        var entry = FetchRequest.FetchTopic()
        entry.topic = topic.name
        entry.topicId = topic.id
        for index in 0..<topic.count where readings[index].told != readings[index].position {
            var partition = FetchRequest.FetchPartition()
            partition.partition = Int32(index)
            partition.fetchOffset = readings[index].position
            partition.partitionMaxBytes = settings.partitionMaxBytes
            entry.partitions.append(partition)
            if settings.usesSession { readings[index].told = readings[index].position }
        }
        if !entry.partitions.isEmpty { request.topics = [entry] }
        return request
    }

    private func answered(
        _ response: FetchResponse, _ asked: [Int64], _ moments: [PartitionHistory.Moment]
    ) {
        answerCount += 1
        switch ErrorCode(rawValue: response.errorCode) {
        case .noError: break
        case .fetchSessionIdNotFound, .invalidFetchSessionEpoch, .fetchSessionTopicIdError:
            beginSession()
            return fetchLater(Self.retryMilliseconds)
        default:
            return judge.accuse("\(name): a fetch ends with error \(response.errorCode)")
        }
        if settings.usesSession {
            session = (response.sessionId, response.sessionId == 0 ? 0 : session.epoch + 1)
            if response.sessionId == 0 { beginSession() }
        }
        var delay = settings.thinkTime.lowerBound
        delay += Int64(random.below(settings.thinkTime.count))
        if isHurried, response.responses.contains(where: \.hasRecords) { delay = 0 }
        for data in response.responses.flatMap(\.partitions) {
            let index = Int(data.partitionIndex)
            guard asked.indices.contains(index) else {
                return judge.accuse("\(name): an answer for partition \(index)")
            }
            // What a broker sent before it lost its power says nothing about the one after.
            if topic.histories[index].era != moments[index].era { continue }
            if !take(data, from: asked[index], at: moments[index], into: index) {
                delay = Self.retryMilliseconds
            }
        }
        fetchLater(delay)
    }

    /// Returns whether the partition is well.
    private func take(
        _ data: FetchResponse.PartitionData, from asked: Int64, at moment: PartitionHistory.Moment,
        into index: Int
    ) -> Bool {
        let history = topic.histories[index]
        switch ErrorCode(rawValue: data.errorCode) {
        case .noError: break
        case .offsetOutOfRange:
            readings[index].astray = history.strays(
                name, from: asked, reachedIn: readings[index].era, asked: moment)
            return false
        case let code?:
            history.requireRetriable(code, "\(name): \(history.name) is refused with \(code)")
            // The next answer has to tell again, whatever the session thinks it told.
            readings[index].told = nil
            return false
        case nil:
            judge.accuse("\(name): error \(data.errorCode)")
            return false
        }
        checkWatermark(data, from: asked, index)
        checkStart(data, from: asked, at: moment, index)
        readings[index].era = history.era
        readings[index].highWatermark = data.highWatermark
        let reading = RecordReading(
            name: name, history: history, judge: judge, highWatermark: data.highWatermark)
        let marks = reading.marks(in: data.records, from: readings[index].position)
        readings[index].position += Int64(marks.count)
        if keepsRecords {
            readings[index].log.records += marks
            readings[index].log.byteCount += reading.byteCount(of: data.records)
        }
        return true
    }

    /// Asks where to go on, and goes on.
    private func askStarts() {
        let astray = readings.indices.filter { readings[$0].astray != nil }
        let moments = topic.histories.map(\.moment)
        let partitions = astray.map {
            TopicPartition(topic: topic.name, partition: PartitionIndex(Int32($0)))
        }
        link.call(
            OffsetQuestion.start.request(partitions), version: OffsetQuestion.version,
            patience: Self.startPatience
        ) { [weak self] result in
            guard let self, case .success(let response) = result else { return }
            for answer in response.answers {
                let index = Int(answer.partition.partition.rawValue)
                guard answer.code == .noError else {
                    topic.histories[index].requireRetriable(
                        answer.code, "\(name): no start of \(answer.partition) is told")
                    continue
                }
                goOn(index, from: answer.offset, moments[index])
            }
            fetchLater(Self.retryMilliseconds)
        }
    }

    private func goOn(_ index: Int, from start: Int64, _ moment: PartitionHistory.Moment) {
        let history = topic.histories[index]
        guard let astray = readings[index].astray, history.era == moment.era else { return }
        history.returns(name, astray: astray, at: start, asked: moment)
        resetCount += 1
        readings[index] = Reading(
            position: start, era: history.era, log: PartitionHistory.Log(start: Int(start)))
    }

    /// A fetch that waits is answered soon after there is something to read.
    private func checkWait(
        since sent: MonotonicTime, _ asked: [Int64], _ moments: [PartitionHistory.Moment]
    ) {
        if settings.minBytes > 1 || link.isSlow { return }
        for (index, history) in topic.histories.prefix(asked.count).enumerated()
        where history.era == moments[index].era {
            guard let known = history.knownSince(asked[index]) else { continue }
            let waited = loop.now.milliseconds(since: max(known, sent))
            judge.require(
                waited <= Self.wakingMilliseconds,
                "\(name): a long poll sleeps on for \(waited) ms, though \(history.name) has "
                    + "records at \(asked[index])")
        }
    }

    private func checkStart(
        _ data: FetchResponse.PartitionData, from asked: Int64,
        at moment: PartitionHistory.Moment, _ index: Int
    ) {
        // Older versions do not tell it.
        if settings.version < 5 { return }
        let (history, start) = (topic.histories[index], data.logStartOffset)
        history.told(name, start: start, asked: moment)
        judge.require(
            start <= asked && start <= data.highWatermark,
            "\(name): \(history.name) begins at \(start), though offset \(asked) is in range and "
                + "the high watermark is \(data.highWatermark)")
    }

    private func checkWatermark(
        _ data: FetchResponse.PartitionData, from asked: Int64, _ index: Int
    ) {
        let (reading, place) = (readings[index], "\(name): \(topic.histories[index].name)")
        let mark = data.highWatermark
        if reading.era == topic.histories[index].era, let before = reading.highWatermark {
            judge.require(
                mark >= before, "\(place): the high watermark goes back from \(before) to \(mark)")
        }
        let isEmpty = (data.records?.count ?? 0) == 0
        judge.require(
            !isEmpty || asked >= mark,
            "\(place): the high watermark is \(mark), but nothing is to be read at \(asked)")
        judge.require(
            data.lastStableOffset <= mark,
            "\(place): last stable offset \(data.lastStableOffset), high watermark \(mark)")
    }
}

extension FetchResponse.FetchableTopicResponse {
    fileprivate var hasRecords: Bool { partitions.contains { ($0.records?.count ?? 0) > 0 } }
}
