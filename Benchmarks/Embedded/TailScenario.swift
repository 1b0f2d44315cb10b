internal import Glibc
internal import LogCore
internal import Primitives
internal import Synchronization

/// From the call that appends a record to the reader that follows having it, beside a thread that
/// waits for bytes in a pipe.
struct TailScenario: Scenario {
    let name = "logcore-tail"
    let summary = "latency from append to a following reader, beside a pipe between two threads"

    /// The writer's pause, long enough for the reader to have gone to sleep.
    private static let pauseMicroseconds: UInt32 = 200

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        let count = bench.scaled(5000)
        var ours = (median: Double.infinity, tail: Double.infinity)
        var limit = ours
        for _ in 0..<bench.rounds {
            let pipe = try Self.throughPipe(count)
            limit = (min(limit.median, pipe.percentile(50)), min(limit.tail, pipe.percentile(99)))
            let log = try Self.following(bench, count)
            ours = (min(ours.median, log.percentile(50)), min(ours.tail, log.percentile(99)))
        }
        return [
            Figure(what: "median", unit: "µs", ours: ours.median, limit: limit.median),
            Figure(what: "99th percentile", unit: "µs", ours: ours.tail, limit: limit.tail),
        ]
    }

    // MARK: The two

    private static func following(
        _ bench: Workbench, _ count: Int
    ) throws(BenchmarkFailed) -> Latencies {
        let latencies = try bench.withDirectory { (path) throws(BenchmarkFailed) in
            do {
                let store = try LogStore.open(path + "/store")
                let topic = try store.createTopic("followed")
                let latencies = Latencies()
                let isDone = WakeUp()
                let stream = topic.follow(from: .earliest)
                Task {
                    // An error ends the loop early, and the count tells.
                    var records = stream.makeAsyncIterator()
                    while latencies.count < count, let record = try? await records.next(),
                        let value = record.value
                    {
                        latencies.note(
                            sentAt: unsafe value.withUnsafeBytes {
                                unsafe $0.loadUnaligned(as: Int64.self)
                            })
                    }
                    isDone.wake()
                }
                for _ in 0..<count {
                    usleep(pauseMicroseconds)
                    let sent = unsafe withUnsafeBytes(of: now) { unsafe RecordBytes(copying: $0) }
                    try topic.append(NewRecord(sent))
                }
                isDone.sleep()
                try store.close()
                return latencies
            } catch { throw BenchmarkFailed("\(error)") }
        }
        return try latencies.checked(count)
    }

    private static func throughPipe(_ count: Int) throws(BenchmarkFailed) -> Latencies {
        var ends: [CInt] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw BenchmarkFailed("no pipe: \(lastError())") }
        let (reading, writing) = (ends[0], ends[1])
        defer {
            close(reading)
            close(writing)
        }
        let latencies = Latencies()
        onThreads(2) { number in
            var sent: Int64 = 0
            for _ in 0..<count {
                if number == 0 {
                    guard unsafe read(reading, &sent, 8) == 8 else { return }
                    latencies.note(sentAt: sent)
                } else {
                    usleep(pauseMicroseconds)
                    sent = now
                    guard unsafe write(writing, &sent, 8) == 8 else { return }
                }
            }
        }
        return try latencies.checked(count)
    }

    private static var now: Int64 { PosixClock().monotonic().nanoseconds }
}

/// Times from sending to receiving.
private final class Latencies: Sendable {
    private let microseconds = Mutex<[Double]>([])

    var count: Int { microseconds.withLock { $0.count } }

    /// - Parameter sentAt: what the monotonic clock said, in nanoseconds.
    func note(sentAt: Int64) {
        let passed = PosixClock().monotonic().nanoseconds - sentAt
        microseconds.withLock { $0.append(Double(passed) / 1000) }
    }

    func percentile(_ percent: Int) -> Double {
        let sorted = microseconds.withLock { $0.sorted() }
        return sorted[min(sorted.count - 1, sorted.count * percent / 100)]
    }

    func checked(_ expected: Int) throws(BenchmarkFailed) -> Latencies {
        guard count == expected, count > 0 else {
            throw BenchmarkFailed("\(count) of \(expected) arrived")
        }
        return self
    }
}
