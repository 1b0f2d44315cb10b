internal import Coordination
internal import Primitives
internal import Synchronization
internal import WireProtocol

/// Runs the controller's state machine over its log, one decision after another, away from the
/// loops.
///
/// States: *idle*; *running* (one background job works the queue off); *failed* (the log could not
/// be written, or `stop` was called: nothing more is decided, and every request is refused).
/// Inputs: `submit`, from any thread. Effects of a round: every waiting request decides on what
/// those before it decided; their records are appended and synced together; the new image is
/// published; only then are they answered. So an answer always means: on disk, and visible to
/// whoever asks this broker next.
final class ControllerDriver: Sendable {
    /// A request as the driver sees it. Exactly one of the two answers it: what `decide` returned,
    /// or `refuse`.
    private struct Job: Sendable {
        let decide: @Sendable (inout Round) throws(MetadataLogError) -> @Sendable () -> Void
        let refuse: @Sendable (Refusal) -> Void

        /// A full disk refuses this job alone: a log that has no room for records is as it was
        /// before.
        func decideOrRefuse(
            _ round: inout Round
        ) throws(MetadataLogError) -> @Sendable () -> Void {
            do throws(MetadataLogError) {
                return try decide(&round)
            } catch {
                guard error.isNoSpace else { throw error }
                return { refuse(Refusal(.kafkaStorageError, "\(error)")) }
            }
        }
    }

    /// What a round works on.
    struct Round {
        var machine: ControllerMachine
        var log: MetadataLog
        var changed = false

        /// One decision: its records are appended and become the machine's state. Not on disk
        /// before the log's next `synchronize`.
        mutating func decide<Response>(
            _ decide: (ControllerMachine, DecisionContext) -> Decision<Response>
        ) throws(MetadataLogError) -> Response {
            let base = log.nextOffset
            let decision = decide(
                machine, DecisionContext(random: log.world.random, nextOffset: base))
            if decision.records.isEmpty { return decision.response }
            try log.append(decision.records, version: machine.image.metadataVersion)
            do throws(MetadataReplayError) {
                try machine.replay(decision.records, at: base, epoch: log.epoch)
            } catch {
                throw .replay(error)
            }
            changed = true
            return decision.response
        }
    }

    private struct State {
        /// Taken out while a job works on it, so that changing it copies nothing.
        var round: Round?
        var queue: [Job] = []
        var isRunning = false
        var failure: String?
        /// The thread that waits in `stop`.
        var stopper: WakeUp?

        /// Takes what waits, and what to work on; nil, and idle again, when nothing waits.
        ///
        /// Without a round the log has failed: those who came meanwhile are to be refused.
        mutating func takeQueue() -> (jobs: [Job], round: Round?)? {
            isRunning = !queue.isEmpty
            guard isRunning else {
                stopper?.wake()
                return nil
            }
            defer { (queue, round) = ([], nil) }
            return (queue, round)
        }
    }

    /// Requests that may wait; one more is refused.
    private static let queueLimit = 10_000

    private let state: Mutex<State>
    private let world: World
    private let publish: @Sendable (MetadataImage) -> Void
    private let failed: @Sendable (String) -> Void

    /// - Parameters:
    ///   - publish: called with each new image, before the answers that it brought about; on the
    ///   driver's thread.
    ///   - failed: called once when the metadata log cannot be written.
    init(
        round: Round, world: World,
        publish: @escaping @Sendable (MetadataImage) -> Void,
        failed: @escaping @Sendable (String) -> Void
    ) {
        state = Mutex(State(round: round))
        self.world = world
        self.publish = publish
        self.failed = failed
    }

    /// Decides, logs, publishes, and then calls `answer`, on the driver's thread.
    ///
    /// - Parameter decide: pure; gets the machine as all decisions before it left it.
    func submit<Response: Sendable>(
        _ decide: @escaping @Sendable (ControllerMachine, DecisionContext) -> Decision<Response>,
        answer: @escaping @Sendable (Result<Response, Refusal>) -> Void
    ) {
        let job = Job(
            decide: { (round) throws(MetadataLogError) in
                let response = try round.decide(decide)
                return { answer(.success(response)) }
            },
            refuse: { answer(.failure($0)) })
        let (refusal, mustStart) = state.withLock { state -> (Refusal?, Bool) in
            if let failure = state.failure { return (Refusal(.kafkaStorageError, failure), false) }
            if state.queue.count >= Self.queueLimit {
                return (
                    Refusal(
                        .requestTimedOut, "\(state.queue.count) requests wait for the controller"),
                    false
                )
            }
            state.queue.append(job)
            defer { state.isRunning = true }
            return (nil, !state.isRunning)
        }
        if let refusal { return job.refuse(refusal) }
        if mustStart { start() }
    }

    /// Whether requests are decided: until the log fails or the broker stops.
    var isActive: Bool { state.withLock { $0.failure == nil } }

    /// Takes nothing more; returns when what was taken is decided and done, its files included.
    func stop() {
        let wakeUp = WakeUp()
        let isRunning = state.withLock { state in
            state.failure = state.failure ?? "the broker is stopping"
            state.stopper = wakeUp
            return state.isRunning
        }
        if isRunning { wakeUp.sleep() }
    }

    private func start() {
        if world.background.submit({ [self] in run() }) { return }
        let waiting = state.withLock { state in
            defer {
                state.queue = []
                _ = state.takeQueue()
            }
            return state.queue
        }
        for job in waiting {
            job.refuse(Refusal(.requestTimedOut, "too much background work waits"))
        }
    }

    /// Works off rounds until nothing waits.
    private func run() {
        while let (jobs, taken) = state.withLock({ $0.takeQueue() }) {
            guard var round = taken else {
                let reason = state.withLock { $0.failure } ?? "the metadata log has failed"
                for job in jobs { job.refuse(Refusal(.kafkaStorageError, reason)) }
                continue
            }
            round.changed = false
            do throws(MetadataLogError) {
                var answers: [@Sendable () -> Void] = []
                for job in jobs { answers.append(try job.decideOrRefuse(&round)) }
                if round.changed { try round.log.synchronize() }
                let finished = round
                state.withLock { $0.round = finished }
                if round.changed { publish(round.machine.publishedImage) }
                for answer in answers { answer() }
            } catch {
                let reason = "\(error)"
                state.withLock { $0.failure = reason }
                // What was appended may or may not be on disk, so nobody is told that it is.
                for job in jobs { job.refuse(Refusal(.kafkaStorageError, reason)) }
                failed(reason)
            }
        }
    }
}
