internal import LogCore
internal import Networking
internal import Primitives
internal import Synchronization

/// Looks for logs to compact at a steady interval, and cleans them in the background, one after
/// another, until none is due.
///
/// An interval begins when the work of the last one is done. Between two there is a timer and
/// nothing else: no thread, no memory.
final class Compaction: Sendable {
    private let storage: Storage
    private let loop: any EventLoop
    private let configuration: CleanerConfiguration
    private let resources: CleaningResources
    private let stopping: StopFlag
    /// Jobs of this interval that have not come to their end.
    private let running = Atomic<Int>(0)

    init(storage: Storage, loop: any EventLoop, configuration: CleanerConfiguration) {
        self.storage = storage
        self.loop = loop
        self.configuration = configuration
        let stopping = StopFlag()
        var resources = CleaningResources()
        resources.mapBytes = configuration.mapBytes
        resources.mapLoadFactor = configuration.mapLoadFactor
        resources.bufferBytes = configuration.bufferBytes
        resources.throttle = CleaningThrottle(bytesPerSecond: configuration.bytesPerSecond)
        resources.isCancelled = { stopping.isSet }
        self.stopping = stopping
        self.resources = resources
    }

    func start() {
        if configuration.isEnabled { loop.execute { [self] in scheduleNext() } }
    }

    /// Rounds under way end at their next look, with what they have not finished thrown away.
    func stop() { stopping.set() }

    private func scheduleNext() {
        if stopping.isSet { return }
        let due = loop.now.adding(milliseconds: configuration.backoffMilliseconds)
        _ = loop.schedule(at: due) { [self] in
            // One more than jobs, until all have been handed over: the last one to end goes on.
            running.store(1, ordering: .relaxed)
            for _ in 0..<configuration.threads {
                running.add(1, ordering: .relaxed)
                let accepted = storage.world.background.submit { [self] in
                    storage.compact(resources)
                    endJob()
                }
                if !accepted { endJob() }
            }
            endJob()
        }
    }

    private func endJob() {
        if running.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
            loop.execute { [self] in scheduleNext() }
        }
    }
}

/// Says once, to all who ask, that it is time to stop.
private final class StopFlag: Sendable {
    private let flag = Atomic<Bool>(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}
