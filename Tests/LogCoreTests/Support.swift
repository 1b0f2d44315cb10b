import Dispatch
import Glibc
import LogCore
import Primitives
import RecordFormat
import Synchronization
import Testing

/// A directory under /tmp that goes away with the last reference. If a log directory is in it, that
/// must be sound then, or merely not stopped cleanly.
final class TemporaryDirectory: Sendable {
    let path: String
    private let logs: String?
    private let isCompacted: Bool
    private let isDamaged = Atomic<Bool>(false)

    /// - Parameters:
    ///   - logs: the name of a log directory in it.
    ///   - isCompacted: its logs may have gaps.
    init(logs: String? = nil, isCompacted: Bool = false) throws {
        let id = PosixRandom().next()
        path = "/tmp/apus-logcore-\(String(id, radix: 16))"
        self.logs = logs
        self.isCompacted = isCompacted
        try PosixFileSystem().createDirectory(path)
    }

    deinit {
        if let logs, !isDamaged.load(ordering: .relaxed) {
            verifySound(path + "/" + logs, isCompacted: isCompacted)
        }
        try? Self.remove(path)
    }

    /// The test damages what had been synced: nothing is expected of what is left.
    func expectDamage() { isDamaged.store(true, ordering: .relaxed) }

    static func remove(_ path: String) throws {
        let files = PosixFileSystem()
        for name in try files.list(path) {
            let inner = path + "/" + name
            if try files.attributes(inner)?.kind == .directory {
                try remove(inner)
            } else {
                try files.remove(inner)
            }
        }
        try files.removeDirectory(path)
    }

    static func copy(_ source: String, to target: String) throws {
        let files = PosixFileSystem()
        try files.createDirectory(target)
        for name in try files.list(source) {
            let (from, to) = (source + "/" + name, target + "/" + name)
            if try files.attributes(from)?.kind == .directory {
                try copy(from, to: to)
            } else {
                let bytes = try files.readAll(from, limit: 1 << 30)
                let file = try files.open(to, .replace)
                if !bytes.isEmpty { try file.write(bytes, at: 0) }
            }
        }
    }
}

/// Whatever a test has left in a log directory, `apus log verify` finds no damage in it.
func verifySound(_ path: String, isCompacted: Bool = false) {
    do {
        var options = VerifyOptions()
        options.isCompacted = isCompacted
        // A test may have left nothing.
        guard try PosixFileSystem().attributes(path) != nil else { return }
        let target = try InspectionTarget(path, files: PosixFileSystem())
        var verifier = LogVerifier(files: PosixFileSystem(), options: options) { findings, _ in
            for finding in findings where finding.severity == .damaged {
                Issue.record("left behind: \(finding)")
            }
        }
        try verifier.verify(target)
    } catch {
        Issue.record("cannot verify \(path): \(error)")
    }
}

/// Time that stands still until it is moved.
final class ManualClock: Clock {
    private let milliseconds = Atomic<Int64>(1_700_000_000_000)
    func monotonic() -> MonotonicTime {
        MonotonicTime(nanoseconds: milliseconds.load(ordering: .relaxed) * 1_000_000)
    }
    func wall() -> Timestamp { Timestamp(milliseconds.load(ordering: .relaxed)) }
    func advance(by amount: Int64) { milliseconds.add(amount, ordering: .relaxed) }
}

/// Keeps what was logged.
final class LogLines: LogSink {
    let minimum = LogLevel.debug
    private let lines = Mutex<[String]>([])
    func write(_ level: LogLevel, _ line: String) { lines.withLock { $0.append(line) } }
    func contains(_ part: String) -> Bool { lines.withLock { $0.contains { $0.contains(part) } } }
}

/// A log directory in a temporary place, with the world it lives in.
struct Scene {
    let directory: TemporaryDirectory
    let clock = ManualClock()
    let lines = LogLines()
    let faults = Faults()
    var configuration = LogConfiguration()
    let partition = TopicPartition(topic: "t", partition: PartitionIndex(0))

    init(_ change: (inout LogConfiguration) -> Void = { _ in }) throws {
        configuration.fileDeleteDelayMilliseconds = 1000
        change(&configuration)
        directory = try TemporaryDirectory(
            logs: "logs", isCompacted: configuration.cleanup.contains(.compact))
    }

    var path: String { directory.path + "/logs" }
    var partitionPath: String { path + "/t-0" }
    var now: Timestamp { clock.wall() }

    var world: World {
        World(
            clock: clock, random: PosixRandom(), files: FaultyFileSystem(faults: faults),
            background: DispatchBackgroundWork(label: "test", limit: 1), log: lines)
    }

    func open() throws -> LogDirectory {
        try LogDirectory.open(path, world: world, defaults: configuration)
    }

    /// A new directory with the one log.
    func create() throws -> (LogDirectory, Log) {
        let directory = try open()
        let log = try directory.createLog(
            partition, topicID: TopicID(high: 1, low: 2), configuration: configuration)
        return (directory, log)
    }

    func reopen() throws -> (LogDirectory, Log) {
        let directory = try open()
        return (directory, try #require(directory.log(partition)))
    }

    func names() throws -> [String] { try PosixFileSystem().list(partitionPath) }

    func content(_ name: String) throws -> Bytes {
        try PosixFileSystem().readAll(partitionPath + "/" + name, limit: 1 << 30)
    }

    func write(_ bytes: Bytes, to name: String) throws {
        let file = try PosixFileSystem().open(partitionPath + "/" + name, .replace)
        if !bytes.isEmpty { try file.write(bytes, at: 0) }
    }
}

func batch(
    _ values: [String], timestamp: Int64 = 1000, step: Int64 = 1,
    producer: RecordBatchBuilder.Producer = .none, compression: Compression = .none
) throws -> Bytes {
    var builder = RecordBatchBuilder(compression: compression, producer: producer)
    for (number, value) in values.enumerated() {
        builder.append(
            timestamp: Timestamp(timestamp + Int64(number) * step), key: nil, value: Bytes(value))
    }
    return try builder.build()
}

extension Log {
    @discardableResult
    func append(_ values: String..., timestamp: Int64 = 1000, epoch: Int32 = 0) throws
        -> AppendResult
    {
        try append(
            batch(values, timestamp: timestamp), leaderEpoch: LeaderEpoch(epoch),
            now: Timestamp(timestamp))
    }

    @discardableResult
    func append(
        _ count: Int, from sequence: Int32, by id: Int64 = 7, epoch: Int16 = 0
    ) throws -> AppendResult {
        let producer = RecordBatchBuilder.Producer(
            id: ProducerID(id), epoch: ProducerEpoch(epoch), baseSequence: sequence)
        let values = (0..<count).map { "p\(id) \(sequence) \($0)" }
        return try append(
            batch(values, timestamp: 1_700_000_000_000, producer: producer),
            leaderEpoch: LeaderEpoch(0), now: Timestamp(1_700_000_000_000))
    }

    /// All records from an offset on, read slice by slice.
    func records(from start: Offset? = nil, maxBytes: Int = 1 << 20) throws -> [Record] {
        var next = try start ?? logStartOffset
        var all: [Record] = []
        while true {
            let slice = try read(from: next, maxBytes: maxBytes)
            guard let region = slice.region else { return all }
            let bytes = try region.file.read(count: region.count, at: region.position)
            var batches = RecordBatches(bytes)
            var seen = false
            while let batch = try batches.next() {
                try batch.validate(from: .log)
                seen = true
                var records = try batch.records(decompressionLimit: 1 << 24)
                while let record = try records.next() {
                    if record.offset >= next { all.append(record) }
                }
                next = batch.header.nextOffset
            }
            #expect(seen, "a slice without a whole batch")
            if !seen { return all }
        }
    }

    func values(from start: Offset? = nil, maxBytes: Int = 1 << 20) throws -> [String] {
        try records(from: start, maxBytes: maxBytes).map { $0.value?.text ?? "" }
    }
}

// MARK: Faults

/// What goes wrong with files from now on.
final class Faults: Sendable {
    struct Plan: Sendable {
        /// Bytes that can still be written before the disk is full.
        var room: Int?
        /// A name that is not there yet takes a block that the disk does not have.
        var hasNoRoomForNames = false
        var syncFails = false
        var writeFails = false
        /// Opens that fail because the process has no descriptor left.
        var refusedOpens = 0
        /// Syncs are counted but not made: for tests that need many and crash nothing.
        var skipsSyncs = false
        /// Changes of names and files that still happen; after them all fail, as after a crash.
        var changesLeft: Int?
        /// The file system can be synced as a whole.
        var hasVolume = false
        /// The next sync of a `.log` file stops here until it is let through.
        var gate: SyncGate?
    }
    let plan = Mutex(Plan())
    let syncs = Atomic<Int>(0)
    let volumeSyncs = Atomic<Int>(0)
    let opens = Atomic<Int>(0)
    let reads = Atomic<Int>(0)

    /// Counts a change of a name or a file; throws when no more may happen.
    func change(_ path: String) throws(FileError) {
        let isCrashed = plan.withLock { plan in
            guard let left = plan.changesLeft else { return false }
            plan.changesLeft = max(left - 1, 0)
            return left == 0
        }
        if isCrashed { throw FileError(operation: "change", path: path, code: EIO) }
    }

    /// Carries a sync out, as the plan has it.
    func sync(_ path: String, _ body: () throws(FileError) -> Void) throws(FileError) {
        try change(path)
        let plan = plan.withLock { $0 }
        if plan.syncFails { throw FileError(operation: "sync", path: path, code: EIO) }
        if !plan.skipsSyncs { try body() }
    }
}

/// The machine's files with a full disk and failing calls.
struct FaultyFileSystem: FileSystem {
    let faults: Faults
    let inner = PosixFileSystem()

    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        faults.opens.add(1, ordering: .relaxed)
        let isRefused = faults.plan.withLock { plan in
            plan.refusedOpens -= 1
            return plan.refusedOpens >= 0
        }
        if isRefused { throw FileError(operation: "open", path: path, code: EMFILE) }
        if mode == .replace { try faults.change(path) }
        return FaultyFile(inner: try inner.open(path, mode), faults: faults)
    }
    func createDirectory(_ path: String) throws(FileError) { try inner.createDirectory(path) }
    func setModified(_ path: String, to time: Timestamp) throws(FileError) {
        try inner.setModified(path, to: time)
    }
    func list(_ path: String) throws(FileError) -> [String] { try inner.list(path) }
    func attributes(_ path: String) throws(FileError) -> FileAttributes? {
        try inner.attributes(path)
    }
    func rename(_ path: String, to target: String) throws(FileError) {
        try faults.change(path)
        if faults.plan.withLock({ $0.hasNoRoomForNames }), try inner.attributes(target) == nil {
            throw FileError(operation: "rename", path: path, code: ENOSPC)
        }
        try inner.rename(path, to: target)
    }
    func remove(_ path: String) throws(FileError) {
        try faults.change(path)
        try inner.remove(path)
    }
    func removeDirectory(_ path: String) throws(FileError) { try inner.removeDirectory(path) }
    func synchronizeDirectory(_ path: String) throws(FileError) {
        try faults.sync(path) { () throws(FileError) in
            try inner.synchronizeDirectory(path)
        }
    }
    func lock(_ path: String) throws(FileError) -> (any FileLock)? { try inner.lock(path) }
    func capacity(_ path: String) throws(FileError) -> (total: Int, free: Int) {
        try inner.capacity(path)
    }
    func volume(_ path: String) throws(FileError) -> (any Volume)? {
        faults.plan.withLock { $0.hasVolume } ? FaultyVolume(faults: faults) : nil
    }
}

final class FaultyVolume: Volume {
    private let faults: Faults
    init(faults: Faults) { self.faults = faults }
    func synchronize() throws(FileError) {
        faults.volumeSyncs.add(1, ordering: .relaxed)
        if faults.plan.withLock({ $0.syncFails }) {
            throw FileError(operation: "sync file system", path: "/", code: EIO)
        }
    }
}

/// Holds one sync back.
final class SyncGate: Sendable {
    private let reached = DispatchSemaphore(value: 0)
    private let opened = WakeUp()
    /// Returns when a sync stands at the gate.
    func waitUntilReached() {
        if reached.wait(timeout: .now() + .seconds(20)) == .timedOut {
            Issue.record("no sync in 20 s")
        }
    }
    func open() { opened.wake() }
    func pass() {
        reached.signal()
        opened.sleep()
    }
}

final class FaultyFile: File {
    private let inner: any File
    private let faults: Faults

    init(inner: any File, faults: Faults) {
        self.inner = inner
        self.faults = faults
    }

    var path: String { inner.path }
    var descriptor: CInt? { inner.descriptor }
    func size() throws(FileError) -> Int { try inner.size() }
    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) throws(FileError)
        -> Int
    {
        faults.reads.add(1, ordering: .relaxed)
        return unsafe try inner.read(into: buffer, at: position)
    }
    func write(_ chunks: [Bytes], at position: Int) throws(FileError) {
        try faults.change(path)
        let count = chunks.reduce(0) { $0 + $1.count }
        let plan = faults.plan.withLock { $0 }
        if plan.writeFails { throw FileError(operation: "write", path: path, code: EIO) }
        if let room = plan.room {
            let fits = min(room, count)
            faults.plan.withLock { $0.room = room - fits }
            if fits < count {
                if let first = chunks.first, fits > 0 {
                    try inner.write(first.slice(0..<min(fits, first.count)), at: position)
                }
                throw FileError(operation: "write", path: path, code: ENOSPC)
            }
        }
        try inner.write(chunks, at: position)
    }
    func truncate(to size: Int) throws(FileError) { try inner.truncate(to: size) }
    func synchronize() throws(FileError) {
        faults.syncs.add(1, ordering: .relaxed)
        if path.hasSuffix(".log") {
            let gate = faults.plan.withLock { plan in
                defer { plan.gate = nil }
                return plan.gate
            }
            gate?.pass()
        }
        try faults.sync(path) { () throws(FileError) in try inner.synchronize() }
    }
}

/// The error that `body` throws; an issue when it throws none, or another kind.
func logError(_ body: () throws -> Void) -> LogError? {
    do {
        _ = try body()
        Issue.record("nothing was thrown")
    } catch let error as LogError {
        return error
    } catch {
        Issue.record("thrown: \(error)")
    }
    return nil
}
