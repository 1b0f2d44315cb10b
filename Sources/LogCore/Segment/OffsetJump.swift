internal import Primitives
internal import RecordFormat

/// A batch that begins behind the offset expected, until what follows shows whether to believe it.
///
/// No checksum covers a batch's base offset. In a sound log offsets may be missing: compaction takes
/// them away, here or in the log of a leader that this one was copied from. But then all that follows
/// lies behind the batch. Where a bit has flipped, what follows overlaps it, and would follow on it
/// if it lay where it was expected.
struct OffsetJump {
    let batch: LocatedBatch
    /// The offset behind the batch before it.
    let expected: Offset

    private var nextOffset: Offset { batch.header.nextOffset }

    /// The offset behind the batch, if it began where it was expected.
    private var nextIfExpected: Offset {
        expected.advanced(by: Int64(batch.header.lastOffsetDelta) + 1)
    }

    /// Whether it cannot be where it says, with something behind it that begins at `offset`.
    func isRefuted(byNext offset: Offset) -> Bool {
        offset < nextOffset && offset >= nextIfExpected
    }

    /// Whether it cannot be where it says, with nothing sound behind it: the log had been flushed up
    /// to `point`, exactly the end of the batch if it began where it was expected.
    func isRefuted(byFlushUpTo point: Offset) -> Bool {
        point < nextOffset && point == nextIfExpected
    }

    var reason: String {
        "a batch at offset \(batch.header.baseOffset), \(expected) expected by what follows"
    }
}
