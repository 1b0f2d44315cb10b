package import Primitives

/// Goes from batch to batch through bytes that hold several, one after another: the records field
/// of a fetch, or a piece of a segment. Nothing is copied and nothing behind the end is read.
///
///     var batches = RecordBatches(bytes)
///     while let batch = try batches.next() { … }
///     if batches.remaining > 0 { … a batch that was cut off … }
package struct RecordBatches: Sendable {
    package let bytes: Bytes
    /// Where the next batch begins; after a throw, where the bad one does.
    package private(set) var position: Int

    package init(_ bytes: Bytes, from position: Int = 0) {
        precondition(position >= 0 && position <= bytes.count, "position outside bytes")
        self.bytes = bytes
        self.position = position
    }

    /// Bytes not yet passed. More than zero after the last batch: part of another one.
    package var remaining: Int { bytes.count - position }

    /// The next batch, or nil when no further one is complete.
    ///
    /// Throws for what cannot be a batch however many bytes would follow.
    package mutating func next() throws(BatchError) -> RecordBatch? {
        if remaining == 0 { return nil }
        do throws(BatchError) {
            let batch = try RecordBatch(atFrontOf: bytes.slice(position..<bytes.count))
            position += batch.header.sizeInBytes
            return batch
        } catch .truncated {
            return nil
        } catch {
            throw error
        }
    }
}
