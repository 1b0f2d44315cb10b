import Dispatch
import LogCore
import Primitives
import Synchronization
import Testing

/// Runs jobs at once in the caller's thread, keeps them for later, or takes none.
private final class OneThread: BackgroundWork {
    enum Mode: Sendable { case atOnce, later, refuse }
    let mode: Mutex<Mode>
    private let jobs = Mutex<[@Sendable () -> Void]>([])

    init(_ mode: Mode) { self.mode = Mutex(mode) }

    func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        switch mode.withLock({ $0 }) {
        case .refuse: return false
        case .later: jobs.withLock { $0.append(job) }
        case .atOnce: job()
        }
        return true
    }

    func runJobs() {
        let due = jobs.withLock { jobs in
            defer { jobs = [] }
            return jobs
        }
        for job in due { job() }
    }
}

/// What completions said.
private final class Outcomes: Sendable {
    private let heard = Mutex<[LogError?]>([])
    var all: [LogError?] { heard.withLock { $0 } }
    var note: @Sendable (LogError?) -> Void {
        { error in self.heard.withLock { $0.append(error) } }
    }
}

/// Several logs in one directory.
private struct Logs {
    let scene: Scene
    let directory: LogDirectory
    let logs: [Log]

    init(
        _ count: Int, background: (any BackgroundWork)? = nil, hasVolume: Bool = false,
        _ change: (inout LogConfiguration) -> Void = { _ in }
    ) throws {
        let scene = try Scene(change)
        scene.faults.plan.withLock { $0.hasVolume = hasVolume }
        var world = scene.world
        if let background {
            world = World(
                clock: world.clock, random: world.random, files: world.files,
                background: background, log: world.log)
        }
        let directory = try LogDirectory.open(
            scene.path, world: world, defaults: scene.configuration)
        var logs: [Log] = []
        for number in 0..<count {
            let log = try directory.createLog(
                TopicPartition(topic: "t", partition: PartitionIndex(Int32(number))),
                topicID: TopicID(high: 1, low: 2), configuration: scene.configuration)
            // The first flush makes the files and writes the epoch: the tests count what follows.
            try log.append("first")
            try log.flush()
            logs.append(log)
        }
        self.scene = scene
        self.directory = directory
        self.logs = logs
    }

    var syncs: Int { scene.faults.syncs.load(ordering: .relaxed) }
    var volumeSyncs: Int { scene.faults.volumeSyncs.load(ordering: .relaxed) }
}

/// Runs `body` for each number on a thread of its own.
private func onThreads(
    _ count: Int, _ group: DispatchGroup, _ body: @escaping @Sendable (Int) -> Void
) {
    for number in 0..<count {
        // A queue for each: none waits for a thread that another holds.
        DispatchQueue(label: "writer \(number)").async(group: group) { body(number) }
    }
}

@Suite struct GroupCommitTests {
    @Test("a commit syncs the records alone and raises the recovery point")
    func oneWriter() throws {
        let scene = try Logs(1)
        let log = scene.logs[0]
        let before = scene.syncs
        let end = try log.append("a", "b").lastOffset.advanced(by: 1)
        #expect(try log.recoveryPoint == Offset(1))
        try log.commit(upTo: end)
        #expect(try log.recoveryPoint == end)
        #expect(scene.syncs == before + 1)
        try log.commit(upTo: end)
        #expect(scene.syncs == before + 1, "what is on disk is not synced again")
    }

    @Test("an offset behind the log's end is refused")
    func beyondTheEnd() throws {
        let log = try Logs(1).logs[0]
        let error = logError { try log.commit(upTo: Offset(7)) }
        guard case .offsetOutOfRange = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("writers that arrive while a sync runs share the next, whatever their partition")
    func sharedSync() throws {
        let scene = try Logs(9)
        let gate = SyncGate()
        let syncsBefore = scene.syncs
        let ends = try scene.logs.map { try $0.append("a").lastOffset.advanced(by: 1) }
        scene.scene.faults.plan.withLock { $0.gate = gate }
        let group = DispatchGroup()
        let outcomes = Outcomes()
        let logs = scene.logs
        onThreads(1, group) { _ in
            outcomes.note(
                logError(of: { () throws(LogError) in try logs[0].commit(upTo: ends[0]) }))
        }
        gate.waitUntilReached()
        // All these find a sync under way; the second log twice.
        for log in [1, 1, 2, 3, 4, 5, 6, 7, 8] {
            logs[log].commit(upTo: ends[log], then: outcomes.note)
        }
        #expect(outcomes.all.isEmpty, "nobody hears before a sync has returned")
        #expect(scene.syncs == syncsBefore + 1)
        gate.open()
        group.wait()
        wait { outcomes.all.count == 10 }
        #expect(outcomes.all.allSatisfy { $0 == nil })
        #expect(scene.syncs == syncsBefore + 9, "one sync for each log")
    }

    @Test("threads that wait take turns in carrying out the rounds")
    func manyThreads() throws {
        let scene = try Logs(8)
        let group = DispatchGroup()
        let failures = Outcomes()
        let logs = scene.logs
        onThreads(16, group) { number in
            let log = logs[number % 8]
            for _ in 0..<20 {
                let error = logError(of: { () throws(LogError) in
                    let end = try log.append(try oneRecord(), leaderEpoch: .zero, now: Timestamp(1))
                        .lastOffset.advanced(by: 1)
                    try log.commit(upTo: end)
                    #expect(try log.recoveryPoint >= end)
                })
                if error != nil { failures.note(error) }
            }
        }
        group.wait()
        #expect(failures.all.isEmpty)
        for log in logs { #expect(try log.logEndOffset == Offset(41)) }
    }

    @Test("from four files on, a file system that can is synced as a whole")
    func wholeFileSystem() throws {
        let background = OneThread(.later)
        let scene = try Logs(8, background: background, hasVolume: true)
        let outcomes = Outcomes()
        let (syncs, volumeSyncs) = (scene.syncs, scene.volumeSyncs)
        for log in scene.logs {
            log.commit(upTo: try log.append("a").lastOffset.advanced(by: 1), then: outcomes.note)
        }
        background.runJobs()
        #expect(outcomes.all.count == 8)
        #expect(scene.volumeSyncs == volumeSyncs + 1)
        #expect(scene.syncs == syncs)
        for log in scene.logs { #expect(try log.recoveryPoint == Offset(2)) }
        try scene.logs[0].append("b")
        try scene.logs[0].commit(upTo: Offset(3))
        #expect(scene.syncs == syncs + 1, "a single file is synced by itself")
    }

    @Test(
        "a failed sync is heard by every waiter, and nothing is synced again",
        arguments: [false, true])
    func failedSync(hasVolume: Bool) throws {
        let background = OneThread(.later)
        let scene = try Logs(4, background: background, hasVolume: hasVolume)
        let outcomes = Outcomes()
        for log in scene.logs {
            log.commit(upTo: try log.append("a").lastOffset.advanced(by: 1), then: outcomes.note)
        }
        scene.scene.faults.plan.withLock { $0.syncFails = true }
        background.runJobs()
        #expect(outcomes.all.count == 4)
        #expect(outcomes.all.allSatisfy { if case .offline = $0 { true } else { false } })
        #expect(scene.directory.isOffline)
        scene.scene.faults.plan.withLock { $0.syncFails = false }
        let syncs = scene.syncs
        for log in scene.logs {
            guard case .offline = logError({ try log.flush() }) else {
                Issue.record("an offline directory took a flush")
                continue
            }
        }
        #expect(scene.syncs == syncs)
    }

    @Test("in one thread a completion comes before the call returns, and none ever waits")
    func singleThread() throws {
        let scene = try Logs(2, background: OneThread(.atOnce))
        let outcomes = Outcomes()
        for log in scene.logs {
            log.commit(upTo: try log.append("a").lastOffset.advanced(by: 1), then: outcomes.note)
            log.commit(upTo: try log.append("b").lastOffset.advanced(by: 1), then: outcomes.note)
        }
        #expect(outcomes.all.count == 4)
        #expect(outcomes.all.allSatisfy { $0 == nil })
    }

    @Test("a thread goes ahead of a background job that has not begun")
    func goingAhead() throws {
        let background = OneThread(.later)
        let scene = try Logs(2, background: background)
        let outcomes = Outcomes()
        let syncs = scene.syncs
        let end = try scene.logs[0].append("a").lastOffset.advanced(by: 1)
        scene.logs[0].commit(upTo: end, then: outcomes.note)
        #expect(outcomes.all.isEmpty)
        try scene.logs[1].append("b")
        try scene.logs[1].commit(upTo: Offset(2))
        #expect(outcomes.all.count == 1)
        #expect(scene.syncs == syncs + 2)
        background.runJobs()
        #expect(scene.syncs == syncs + 2, "the job finds nobody")
    }

    @Test("a background that takes no more work is told at once, and a later commit succeeds")
    func refusal() throws {
        let background = OneThread(.refuse)
        let scene = try Logs(1, background: background)
        let outcomes = Outcomes()
        let end = try scene.logs[0].append("a").lastOffset.advanced(by: 1)
        scene.logs[0].commit(upTo: end, then: outcomes.note)
        guard case .syncRefused? = outcomes.all.first ?? nil else {
            Issue.record("\(outcomes.all)")
            return
        }
        background.mode.withLock { $0 = .atOnce }
        scene.logs[0].commit(upTo: end, then: outcomes.note)
        #expect(outcomes.all.count == 2)
        #expect(try scene.logs[0].recoveryPoint == end)
    }

    @Test("records that are cut while their sync runs are not called durable")
    func cutMeanwhile() throws {
        let scene = try Logs(1)
        let log = scene.logs[0]
        let end = try log.append("a", "b").lastOffset.advanced(by: 1)
        let gate = SyncGate()
        scene.scene.faults.plan.withLock { $0.gate = gate }
        let outcomes = Outcomes()
        log.commit(upTo: end, then: outcomes.note)
        gate.waitUntilReached()
        try log.truncate(to: Offset(1))
        gate.open()
        wait { outcomes.all.count == 1 }
        guard case .offsetOutOfRange? = outcomes.all.first ?? nil else {
            Issue.record("\(outcomes.all)")
            return
        }
        #expect(try log.recoveryPoint == Offset(1))
    }

    @Test("a full disk fails the commit of a new epoch, and only until there is room")
    func fullDisk() throws {
        let scene = try Logs(1)
        let log = scene.logs[0]
        let end = try log.append("a", epoch: 3).lastOffset.advanced(by: 1)
        scene.scene.faults.plan.withLock { $0.room = 0 }
        guard case .io(let error) = logError({ try log.commit(upTo: end) }), error.isNoSpace else {
            Issue.record("the epoch could not be written, yet its records count as flushed")
            return
        }
        scene.scene.faults.plan.withLock { $0.room = nil }
        try log.commit(upTo: end)
        #expect(try log.recoveryPoint == end)
    }

    @Test("with flush.messages=1 an append returns with its records on disk")
    func flushMessages() throws {
        let scene = try Logs(1) { $0.flushMessages = 1 }
        try scene.logs[0].append("a")
        #expect(try scene.logs[0].recoveryPoint == Offset(2))
        let left = try scene.logs[0].append(
            oneRecord(), leaderEpoch: .zero, now: Timestamp(1), flushDuty: .caller)
        #expect(left.isFlushDue)
        #expect(try scene.logs[0].recoveryPoint == Offset(2))
    }
}

private func oneRecord() throws(LogError) -> Bytes {
    do { return try batch(["x"]) } catch { throw .invalidTopicName("\(error)") }
}

private func logError(of body: () throws(LogError) -> Void) -> LogError? {
    do throws(LogError) {
        try body()
        return nil
    } catch {
        return error
    }
}

/// Waits for other threads, for 20 s at most.
private func wait(_ condition: () -> Bool) {
    let clock = PosixClock()
    let deadline = clock.monotonic().adding(milliseconds: 20_000)
    while !condition() {
        if clock.monotonic() > deadline {
            Issue.record("nothing happened for 20 s")
            return
        }
        _ = PosixRandom().next()
    }
}
