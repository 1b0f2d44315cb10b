package import Primitives

/// What a round of cleaning may use, given by the caller. Nothing of it is kept between rounds.
package struct CleaningResources: Sendable {
    /// Memory for the offset map (`log.cleaner.dedupe.buffer.size`); 24 bytes a slot.
    package var mapBytes = 134_217_728
    /// The share of the map's slots that may be in use.
    package var mapLoadFactor = 0.9
    /// Bytes read, and bytes written, in one piece; a larger batch takes what it needs.
    package var bufferBytes = 262_144
    package var throttle = CleaningThrottle()
    /// Asked again and again by a round: true makes it stop, and throw what it has not finished away.
    package var isCancelled: @Sendable () -> Bool = { false }

    package init() {}
}

/// What a round of cleaning did.
package struct CleaningReport: Sendable, Equatable {
    package let partition: TopicPartition
    /// The dirty part that was taken in, from here…
    package let firstDirty: Offset
    /// … up to here, where the next round goes on.
    package internal(set) var end: Offset
    /// Keys in the dirty part, and how much of the map they took, from 0 to 1.
    package internal(set) var keys = 0
    package internal(set) var mapUsage = 0.0
    /// The map was full before the dirty part was through: the next round has work at once.
    package internal(set) var isMapFull = false
    /// Bytes read of the dirty part alone, to fill the map.
    package internal(set) var mapBytesRead = 0
    package internal(set) var bytesRead = 0
    package internal(set) var bytesKept = 0
    package internal(set) var recordsRead = 0
    package internal(set) var recordsKept = 0
    /// Dropped because they had no key.
    package internal(set) var recordsWithoutKey = 0
    package internal(set) var segmentsRead = 0
    package internal(set) var segmentsWritten = 0
    package internal(set) var milliseconds: Int64 = 0

    init(partition: TopicPartition, firstDirty: Offset) {
        self.partition = partition
        self.firstDirty = firstDirty
        end = firstDirty
    }

    /// One line for the operator.
    package var summary: String {
        "log \(partition) cleaned from \(firstDirty) to \(end): \(bytesRead) bytes of"
            + " \(recordsRead) records in \(segmentsRead) segments became \(bytesKept) bytes of"
            + " \(recordsKept) records in \(segmentsWritten), in \(milliseconds) ms"
            + (isMapFull ? "; the offset map was full with \(keys) keys" : "")
            + (recordsWithoutKey > 0 ? "; \(recordsWithoutKey) records had no key" : "")
    }
}

/// How far a round has come.
package struct CleaningProgress: Sendable, Equatable {
    /// Bytes gone through, twice over for the dirty part: once for the map, once to copy.
    package internal(set) var bytesDone = 0
    package internal(set) var bytesInAll = 0
}

/// What cleaning is doing with a log.
package enum CleaningState: Sendable {
    case resting
    case running(CleaningProgress)
    /// A round met damage, or files that cannot be read. Said once; not tried again until the next
    /// start.
    case uncleanable(LogError)
}

/// A log's cleaning as its lock guards it: at most one round at a time.
struct CleaningRecord: Sendable {
    var state = CleaningState.resting
    var last: CleaningReport?
}
