internal import LogCore
internal import Primitives

/// A program that uses the embedding face on a simulated disk, by the forms that block: one topic,
/// its settings, and cursors in it. As `LogScene`, it writes down what it was promised, and after
/// each start compares that with what is there.
final class StoreScene {
    private static let topic = "t"

    private var disk: SimulatedDisk
    private var store: LogStore?
    private let recorder: CutRecorder
    private let clock = SimulatedClock()
    private let seed: UInt64
    private let defects: DiskDefects
    private let trace: (any LogSink)?
    private var starts: UInt64 = 0
    private var serial = 0

    init(
        _ disk: DiskState = DiskState(), ledger: StoreLedger = StoreLedger(), seed: UInt64,
        defects: DiskDefects, trace: (any LogSink)?
    ) {
        let recorder = CutRecorder()
        recorder.update { $0.store = ledger }
        self.recorder = recorder
        self.seed = seed
        self.defects = defects
        self.trace = trace
        self.disk = SimulatedDisk()
        mount(disk)
    }

    private func mount(_ state: DiskState) {
        store = nil
        starts += 1
        disk = SimulatedDisk(
            state, seed: seed &+ starts, defects: defects, clock: clock, trace: trace,
            observe: { [recorder] in recorder.note($0) })
    }

    func record() { recorder.record() }

    var cuts: [Cut] {
        recorder.note(disk.state)
        return recorder.cuts
    }

    private var ledger: StoreLedger { recorder.ledger.store ?? StoreLedger() }

    private func update(_ change: (inout StoreLedger) -> Void) {
        var ledger = ledger
        change(&ledger)
        recorder.update { $0.store = ledger }
    }

    /// Ends everything at once.
    func end(_ survival: Survival) { mount(disk.state.after(survival)) }

    // MARK: Calls

    /// Opens the store and checks what is in it. Returns that.
    @discardableResult
    func open() throws(Violation) -> ObservedStore {
        let world = SimulatedWorld(
            disk: disk, clock: clock, seed: seed &* 1000 &+ starts, log: trace ?? SilentLog()
        ).world
        var options = LogStore.Options()
        options.housekeepingInterval = nil
        let cursors = ledger.positions.keys.sorted()
        let (opened, observed) = try call("opening") {
            let opened = try LogStore.open(LogScene.path, options: options, world: world)
            return (opened, try ObservedStore(opened, cursors: cursors))
        }
        try observed.check(against: ledger)
        update { ledger in
            ledger = observed.ledger
            for name in cursors where ledger.positions[name] == nil {
                ledger.positions[name] = [nil]
            }
        }
        store = opened
        return observed
    }

    func close() throws(Violation) {
        try call("closing") { try store?.close() }
        store = nil
        update { $0.durable = $0.values.count }
    }

    /// Makes the topic, or gives it other settings.
    func set(_ settings: TopicSettings) throws(Violation) {
        update { $0.topics.append(settings) }
        try call("setting the topic up") {
            if let topic = store?.topics().first {
                try topic.update(settings)
            } else {
                try store?.createTopic(Self.topic, settings: settings)
            }
        }
        update { $0.topics = [settings] }
    }

    func deleteTopic() throws(Violation) {
        update { $0.topics.append(nil) }
        try call("deleting the topic") { try store?.deleteTopic(Self.topic) }
        update { ledger in
            let cursors = ledger.positions.keys
            ledger = StoreLedger()
            // A new topic of the same name inherits nothing.
            for name in cursors { ledger.positions[name] = [nil] }
        }
    }

    func append(_ count: Int, durability: Durability = .pageCache) throws(Violation) {
        for _ in 0..<count {
            serial += 1
            let value = "\(seed) \(starts) \(serial) " + String(repeating: "x", count: 200)
            update { $0.values.append(value) }
            try call("appending") {
                try store?.topic(Self.topic).append(
                    RecordBytes(value), timestamp: clock.wall().rawValue, durability: durability)
            }
            if durability == .synced { update { $0.durable = $0.values.count } }
        }
    }

    /// Commits a position so far behind the end.
    func commit(_ name: String, behind distance: Int = 0) throws(Violation) {
        try move(name, to: Int64(ledger.values.count - distance)) { cursor, partition, offset in
            try cursor.commit(offset, in: partition)
        }
    }

    /// Moves a cursor, also back.
    func reset(_ name: String, to offset: Int64) throws(Violation) {
        try move(name, to: offset) { cursor, partition, offset in
            try cursor.reset(to: .offset(offset), in: partition)
        }
    }

    private func move(
        _ name: String, to offset: Int64,
        _ body: (Cursor, LogPartition, Int64) throws -> Void
    ) throws(Violation) {
        update { $0.positions[name, default: [nil]].append(offset) }
        try call("moving cursor \(name) to \(offset)") {
            guard let store else { return }
            let partition = try store.topic(Self.topic).partition(0)
            try body(try store.cursor(named: name), partition, offset)
        }
        update {
            $0.positions[name] = [offset]
            // Records before a position are on disk before it is.
            $0.durable = max($0.durable, Int(offset))
        }
    }

    @discardableResult
    private func call<Result>(
        _ what: String, _ body: () throws -> Result
    ) throws(Violation) -> Result {
        trace?(.info, what)
        do {
            return try body()
        } catch let violation as Violation {
            throw violation.during(what)
        } catch {
            throw Violation("\(what) fails: \(error)")
        }
    }
}

extension StoreScene {
    /// Small segments, so that the course of events has some.
    static var settings: TopicSettings {
        var settings = TopicSettings()
        settings.segmentBytes = 1024
        return settings
    }

    /// A topic is made, changed, deleted and made again, with two cursors in it.
    func runCursors() throws(Violation) {
        try set(Self.settings)
        try append(3)
        try commit("a")
        try append(2, durability: .synced)
        try append(3)
        try commit("b", behind: 2)
        try commit("a", behind: 1)
        try reset("b", to: 1)
        var changed = Self.settings
        changed.durability = .synced
        changed.retentionBytes = 1 << 20
        try set(changed)
        try append(2)
        try close()
        try open()
        try commit("a")
        try deleteTopic()
        try set(Self.settings)
        try append(2)
        try commit("a", behind: 1)
    }

    /// What one loss of power leaves: started, started again, gone on with.
    static func trial(
        _ cut: Cut, _ survival: Survival, defects: DiskDefects, trace: (any LogSink)?
    ) throws(Violation) {
        let scene = StoreScene(
            cut.disk.after(survival), ledger: cut.ledger.store ?? StoreLedger(),
            seed: UInt64(cut.change), defects: defects, trace: trace)
        let found = try scene.open()
        scene.end(.nothing)
        try require(try scene.open() == found, "a second start finds something else")
        if found.topic == nil { try scene.set(settings) }
        try scene.append(2)
        try scene.commit("a")
        scene.end(.nothing)
        try scene.open()
    }
}
