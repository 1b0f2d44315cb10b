/// Records as an asynchronous sequence: a topic's or a partition's, to their present end
/// (`records`) or for ever (`follow`).
///
///     for try await record in topic.follow(from: .earliest) {
///         handle(record)
///     }
///
/// Records are read when they are asked for, a chunk of at most 256 KiB at a time (or one batch,
/// where that is larger): a slow consumer holds that one chunk and nothing queues up behind it. At
/// the end `follow` waits until an append wakes it; it never polls. The disk is read on the store's
/// own threads.
///
/// The sequence ends when its task is cancelled and when the store is closed. It throws
/// `unknownTopic` when the topic is deleted, `offsetOutOfRange` when the records to come were
/// deleted meanwhile, `damaged`, `io`. After a throw it is over. It may be iterated several times,
/// each time from its beginning.
public struct RecordStream: AsyncSequence, Sendable {
    public typealias Element = LogRecord
    public typealias Failure = any Error

    let puller: RecordPuller
    let disk: DiskQueue

    public func makeAsyncIterator() -> Iterator { Iterator(chunks: chunks.makeAsyncIterator()) }

    /// The same records as they are read, several at once: less work for each, for consumers that
    /// handle many.
    public var chunks: Chunks { Chunks(puller: puller, disk: disk) }

    /// Goes through the records of a `RecordStream`.
    public struct Iterator: AsyncIteratorProtocol {
        var chunks: Chunks.Iterator
        private var chunk: [LogRecord] = []
        private var index = 0

        init(chunks: Chunks.Iterator) { self.chunks = chunks }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws -> LogRecord? {
            if index == chunk.count {
                guard let more = try await chunks.next(isolation: actor) else { return nil }
                chunk = more
                index = 0
            }
            index += 1
            return chunk[index - 1]
        }
    }
}

extension RecordStream {
    /// The records of a `RecordStream` in chunks, none of which is empty.
    public struct Chunks: AsyncSequence, Sendable {
        public typealias Element = [LogRecord]
        public typealias Failure = any Error

        let puller: RecordPuller
        let disk: DiskQueue

        public func makeAsyncIterator() -> Iterator {
            Iterator(puller: puller, disk: disk)
        }

        /// Goes through the chunks of a `RecordStream`.
        public struct Iterator: AsyncIteratorProtocol {
            private var puller: RecordPuller
            private let disk: DiskQueue
            private let subscription: Subscription?
            private var isOver = false

            init(puller: RecordPuller, disk: DiskQueue) {
                self.puller = puller
                self.disk = disk
                subscription = puller.isEndless ? Subscription(puller.partitions) : nil
            }

            public mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws -> [LogRecord]? {
                while !isOver, !Task.isCancelled {
                    let chunk = try await pull(isolation: actor)
                    if !chunk.isEmpty { return chunk }
                    guard let subscription, !isOver else { break }
                    await subscription.signal.wait()
                }
                isOver = true
                return nil
            }

            /// The next chunk; an empty one at the end for now, and when the store is closed.
            private mutating func pull(
                isolation: isolated (any Actor)?
            ) async throws -> [LogRecord] {
                let before = puller
                do {
                    let (chunk, after) = try await disk.run {
                        var puller = before
                        let chunk = try puller.pull()
                        return (chunk, puller)
                    }
                    puller = after
                    return chunk
                } catch LogStoreError.closed {
                    isOver = true
                    return []
                } catch {
                    isOver = true
                    throw error
                }
            }
        }
    }

    /// An iterator's place among the followers of its partitions, for as long as it lives.
    private final class Subscription: Sendable {
        let signal = FollowSignal()
        private let partitions: [PartitionCore]

        init(_ partitions: [PartitionCore]) {
            self.partitions = partitions
            for partition in partitions { partition.followers.add(signal) }
        }

        deinit {
            for partition in partitions { partition.followers.remove(signal) }
        }
    }
}
