import LogCore
import Synchronization
import Testing

@Suite("Following a topic")
struct EmbeddedFollowTests {
    private let store: LogStore
    private let directory: TemporaryDirectory

    init() async throws {
        directory = try TemporaryDirectory()
        store = try await LogStore.open(directory.path + "/store")
    }

    @Test("a follower gets what is there and what comes, in order")
    func order() async throws {
        let topic = try await store.createTopic("feed")
        try await topic.append((0..<10).map { NewRecord(RecordBytes("\($0)")) })
        async let seen = {
            var values: [String] = []
            for try await record in topic.follow(from: .earliest) {
                values.append(record.value?.string ?? "")
                if values.count == 30 { break }
            }
            return values
        }()
        for number in 10..<30 { try await topic.append(RecordBytes("\(number)")) }
        #expect(try await seen == (0..<30).map { "\($0)" })
    }

    @Test("latest is the end at the time of the call, before anyone asks for a record")
    func latest() async throws {
        let topic = try await store.createTopic("late")
        try await topic.append("before")
        let stream = topic.follow()
        try await topic.append("after")
        var iterator = stream.makeAsyncIterator()
        #expect(try await iterator.next()?.value == "after")
    }

    @Test("records() ends where the topic ended, in all partitions")
    func bounded() async throws {
        let topic = try await store.createTopic("parts", partitions: 3)
        try await topic.append((0..<300).map { NewRecord("x", key: RecordBytes("\($0)")) })
        var offsets: [Int: [Int64]] = [:]
        for try await record in topic.records() {
            offsets[record.partition, default: []].append(record.offset)
        }
        #expect(offsets.values.reduce(0) { $0 + $1.count } == 300)
        for list in offsets.values { #expect(list == Array(0..<Int64(list.count))) }
    }

    @Test("a follower that waits ends when its task is cancelled")
    func cancellation() async throws {
        let topic = try await store.createTopic("quiet")
        let isThere = Mutex(false)
        let task = Task {
            var count = 0
            for try await _ in topic.follow(from: .earliest) {
                count += 1
                isThere.withLock { $0 = true }
            }
            return count
        }
        try await topic.append("one")
        while !isThere.withLock({ $0 }) { await Task.yield() }
        task.cancel()
        #expect(try await task.value == 1)
    }

    @Test("a follower ends when the store is closed, and throws when its topic is deleted")
    func endings() async throws {
        let kept = try await store.createTopic("kept")
        let dropped = try await store.createTopic("dropped")
        let first = Task { () async -> Result<Int, any Error> in
            await count(kept.follow(from: .earliest))
        }
        let second = Task { () async -> Result<Int, any Error> in
            await count(dropped.follow(from: .earliest))
        }
        try await kept.append("a")
        try await dropped.append("b")
        try await store.deleteTopic("dropped")
        let result = await second.value
        guard case .failure(LogStoreError.unknownTopic("dropped")) = result else {
            Issue.record("\(result)")
            return
        }
        try await store.close()
        // It may have been stopped before it came to the record.
        _ = try await first.value.get()
    }

    private func count(_ stream: RecordStream) async -> Result<Int, any Error> {
        do {
            var count = 0
            for try await _ in stream { count += 1 }
            return .success(count)
        } catch {
            return .failure(error)
        }
    }

    @Test("a slow consumer holds one chunk: nothing is read ahead of it")
    func backPressure() async throws {
        let topic = try await store.createTopic("big")
        let value = RecordBytes([UInt8](repeating: 7, count: 10_000))
        for _ in 0..<20 { try await topic.append((0..<10).map { _ in NewRecord(value) }) }
        var chunks = topic.follow(from: .earliest).chunks.makeAsyncIterator()
        var next: Int64 = 0
        while next < 200 {
            let chunk = try #require(try await chunks.next())
            #expect(chunk.count <= 27, "256 KiB at most")
            #expect(chunk.first?.offset == next)
            next += Int64(chunk.count)
            // What retention takes away between two chunks is missed aloud: it was not held.
            if next < 100 { try await topic.partition(0).deleteRecords(before: next) }
        }
        var behind = topic.follow(from: .earliest).chunks.makeAsyncIterator()
        _ = try await behind.next()
        try await topic.partition(0).deleteRecords(before: 199)
        await #expect(throws: LogStoreError.self) { _ = try await behind.next() }
    }

    @Test("several writers and followers at once: each follower sees every record once, in order")
    func manyAtOnce() async throws {
        let topic = try await store.createTopic("busy", partitions: 2)
        let (writers, perWriter) = (4, 250)
        try await withThrowingTaskGroup { group in
            for writer in 0..<writers {
                group.addTask {
                    for number in 0..<perWriter {
                        try await topic.append(
                            RecordBytes("\(number)"), key: RecordBytes("writer \(writer)"))
                    }
                }
            }
            for _ in 0..<3 {
                group.addTask {
                    var last: [RecordBytes: Int] = [:]
                    var count = 0
                    for try await record in topic.follow(from: .earliest) {
                        let key = try #require(record.key)
                        let number = try #require(record.value?.string.flatMap { Int($0) })
                        #expect(number == (last[key] ?? -1) + 1)
                        last[key] = number
                        count += 1
                        if count == writers * perWriter { break }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("of writers that race for an end offset exactly one wins each time")
    func race() async throws {
        let partition = try await store.createTopic("race").partition(0)
        let wins = try await withThrowingTaskGroup { group in
            for writer in 0..<4 {
                group.addTask {
                    var wins = 0
                    while true {
                        let end = try partition.endOffset
                        if end >= 200 { return wins }
                        do {
                            try await partition.append(
                                RecordBytes("\(writer)"), expectedEndOffset: end)
                            wins += 1
                        } catch LogStoreError.unexpectedEndOffset(let expected, let actual) {
                            #expect(expected == end && actual > end)
                        }
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        let end = try partition.endOffset
        #expect(Int64(wins) == end)
    }
}
