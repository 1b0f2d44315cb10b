import LogCore
import Testing

@Suite("Named cursors")
struct EmbeddedCursorTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func open() throws -> LogStore {
        try LogStore.open(directory.path + "/store")
    }

    @Test("a commit is there after a crash, and reading goes on behind it")
    func durability() async throws {
        do {
            let store = try await LogStore.open(directory.path + "/store")
            let topic = try await store.createTopic("orders", partitions: 2)
            for number in 0..<20 {
                try await topic.append(RecordBytes("\(number)"), key: RecordBytes("\(number)"))
            }
            let cursor = try store.cursor(named: "billing")
            #expect(try await cursor.lag(in: topic) == 20)
            #expect(try await cursor.position(of: topic.partition(0)) == nil)
            var count = 0
            for try await record in topic.follow(cursor) {
                try await cursor.commit(after: record, in: topic)
                count += 1
                if count == 15 { break }
            }
            #expect(try await cursor.lag(in: topic) == 5)
        }
        let store = try await LogStore.open(directory.path + "/store")
        #expect(!store.recovery.wasClosedCleanly)
        let topic = try await store.topic("orders")
        let cursor = try store.cursor(named: "billing")
        #expect(try await cursor.lag(in: topic) == 5)
        var left: [String] = []
        for try await record in topic.records(cursor) { left.append(record.value?.string ?? "") }
        #expect(left.count == 5)
        #expect(try await store.cursorNames() == ["billing"])
        #expect(store.topics().map(\.name) == ["orders"])
        #expect(store.topics(includingInternal: true).map(\.name) == ["__cursors", "orders"])
    }

    @Test("a commit never goes back, a reset goes anywhere")
    func monotonic() throws {
        let store = try open()
        let topic = try store.createTopic("steps")
        let partition = try topic.partition(0)
        try topic.append((0..<10).map { NewRecord(RecordBytes("\($0)")) })
        let cursor = try store.cursor(named: "reader")
        try cursor.commit(7, in: partition)
        try cursor.commit(3, in: partition)
        #expect(try cursor.position(of: partition) == 7)
        try cursor.reset(to: .earliest, in: topic)
        #expect(try cursor.position(of: partition) == 0)
        try cursor.reset(to: .latest, in: partition)
        #expect(try cursor.lag(in: topic) == 0)
        let error = storeError { try cursor.commit(11, in: partition) }
        #expect(error == .offsetOutOfRange(requested: 11, start: 0, end: 10))
        #expect(
            storeError { _ = try store.cursor(named: "a/b") }
                == .invalidCursorName("a/b"))
    }

    @Test("a cursor behind the start of the log is told so, and does not skip in silence")
    func behindTheStart() async throws {
        let store = try await LogStore.open(directory.path + "/store")
        let topic = try await store.createTopic("steps")
        let partition = try topic.partition(0)
        try await topic.append((0..<10).map { NewRecord(RecordBytes("\($0)")) })
        let cursor = try store.cursor(named: "reader")
        try await cursor.commit(2, in: partition)
        try await partition.deleteRecords(before: 6)
        #expect(try await cursor.lag(in: topic) == 4)
        var iterator = topic.follow(cursor).makeAsyncIterator()
        await #expect(throws: LogStoreError.offsetOutOfRange(requested: 2, start: 6, end: 10)) {
            _ = try await iterator.next()
        }
        #expect(try await iterator.next() == nil, "after a throw it is over")
    }

    @Test("cursors go with their topic, also when a crash comes between")
    func deletedTopic() throws {
        do {
            let store = try open()
            for name in ["a", "b"] {
                let topic = try store.createTopic(name)
                try topic.append("x")
                for cursor in ["one", "two"] {
                    try store.cursor(named: cursor).reset(to: .latest, in: topic)
                }
            }
            try store.deleteTopic("a")
            let again = try store.createTopic("a")
            #expect(try store.cursor(named: "one").position(of: again.partition(0)) == nil)
            try store.cursor(named: "two").delete()
            #expect(try store.cursorNames() == ["one"])
        }
        let store = try open()
        #expect(try store.cursorNames() == ["one"])
        let partition = try store.topic("b").partition(0)
        #expect(try store.cursor(named: "one").position(of: partition) == 1)
        #expect(try store.cursor(named: "two").position(of: partition) == nil)
    }

    @Test("many tasks commit at once, and each commit holds")
    func concurrent() async throws {
        do {
            let store = try await LogStore.open(directory.path + "/store")
            let topic = try await store.createTopic("shared", partitions: 8)
            for partition in topic.partitions {
                try await partition.append((0..<20).map { NewRecord(RecordBytes("\($0)")) })
            }
            try await withThrowingTaskGroup { group in
                for partition in topic.partitions {
                    group.addTask {
                        let cursor = try store.cursor(named: "worker")
                        for offset in 1...Int64(partition.index + 1) {
                            try await cursor.commit(offset, in: partition)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        let store = try await LogStore.open(directory.path + "/store")
        let topic = try await store.topic("shared")
        let cursor = try store.cursor(named: "worker")
        for partition in topic.partitions {
            #expect(try await cursor.position(of: partition) == Int64(partition.index + 1))
        }
    }
}
