internal import Primitives
internal import RecordFormat

/// A log that has been opened: its segments and what is known about them. `Log` holds it under its
/// lock; extensions beside this file are one capability each.
///
/// Invariants: at least one segment, ascending by base offset; only the last one is appended to;
/// `startOffset <= endOffset`; `recoveryPoint <= endOffset`; all below `recoveryPoint` is on disk.
struct LogContents: Sendable {
    let context: DirectoryContext
    let partition: TopicPartition
    /// Changes once: when the log is deleted and its directory renamed.
    let directory: String
    var segments: [Segment]
    var startOffset: Offset
    var endOffset: Offset
    var recoveryPoint: Offset
    /// Records below are replicated; nil, where nobody replicates, stands for the log's end.
    var highWatermark: Offset? {
        didSet {
            if let highWatermark { producers.replicated(below: highWatermark) }
        }
    }
    var epochs = LeaderEpochs()
    var producers: ProducerTable
    var positions = PositionCache()
    /// Offsets of snapshot files, ascending.
    var snapshots: [Offset] = []
    /// Snapshots written since the last flush.
    var unsyncedSnapshots: [Offset] = []
    /// Files were made or renamed since the directory was last synced.
    var hasUnsyncedNames = false
    /// Records appended since the last flush.
    var unflushedRecords: Int64 = 0
    /// When the oldest unflushed record was appended.
    var unflushedSince: MonotonicTime?
    /// How often records were cut off the end: a flush that began before does not count.
    var cutCount = 0
    /// A truncation is under way: no flush may move the recovery point beyond.
    var recoveryCeiling: Offset?

    /// Changes with all that is appended, cut off or deleted.
    struct Shape: Sendable, Equatable {
        let startOffset: Offset
        let endOffset: Offset
        let segmentCount: Int
        let sizeInBytes: Int
        let cutCount: Int
    }

    var shape: Shape {
        Shape(
            startOffset: startOffset, endOffset: endOffset, segmentCount: segments.count,
            sizeInBytes: sizeInBytes, cutCount: cutCount)
    }

    /// Nothing waits to be written or synced.
    var isOnDisk: Bool {
        recoveryPoint == endOffset && recoveryCeiling == nil && !epochs.isDirty
            && !hasUnsyncedNames && unsyncedSnapshots.isEmpty
    }

    var files: any FileSystem { context.files }
    var activeIndex: Int { segments.count - 1 }

    /// Bytes in `.log` files.
    var sizeInBytes: Int { segments.reduce(0) { $0 + $1.size } }

    /// Where the segment behind number `index` begins, or the log ends.
    func end(ofSegment index: Int) -> Offset {
        successor(ofSegment: index) ?? endOffset
    }

    /// Where the segment behind number `index` begins; nil for the last one.
    func successor(ofSegment index: Int) -> Offset? {
        index + 1 < segments.count ? segments[index + 1].baseOffset : nil
    }

    /// The number of the segment that would hold `offset`: the last one that begins at or below it.
    func segmentIndex(for offset: Offset) -> Int? {
        if let last = segments.last, last.baseOffset <= offset { return activeIndex }
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].baseOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }

    func path(_ name: String) -> String { directory + "/" + name }

    /// A new segment's share of `segment.jitter.ms`.
    static func jitter(_ configuration: LogConfiguration, _ world: World) -> Int64 {
        let bound = min(configuration.segmentJitterMilliseconds, configuration.largestSegmentAge)
        if bound <= 0 { return 0 }
        return Int64(world.random.next() % UInt64(bound))
    }
}
