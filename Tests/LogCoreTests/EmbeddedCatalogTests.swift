import Primitives
import Testing

@testable import LogCore

@Suite("What a store finds when it is opened")
struct EmbeddedCatalogTests {
    private let directory: TemporaryDirectory
    private let files = PosixFileSystem()

    init() throws { directory = try TemporaryDirectory() }

    private var path: String { directory.path + "/store" }
    private var catalogPath: String { path + "/" + TopicCatalog.fileName }

    private func open() throws -> LogStore { try LogStore.open(path) }

    private func changeCatalog(_ change: (inout TopicCatalog) throws -> Void) throws {
        var catalog = try TopicCatalog.read(in: path, files)
        try change(&catalog)
        try catalog.write(in: path, files)
    }

    private func write(_ text: String) throws {
        let file = try files.open(catalogPath, .replace)
        try file.write(Bytes(text), at: 0)
    }

    private func removeDirectory(_ name: String) throws {
        try TemporaryDirectory.remove(path + "/" + name)
    }

    @Test("a topic whose making a crash cut short is made whole")
    func creating() throws {
        try open().createTopic("half", partitions: 3)
        try changeCatalog { $0["half"]?.state = .creating }
        try removeDirectory("half-1")
        // A directory that the crash left before it knew its topic.
        try removeDirectory("half-2")
        try files.createDirectory(path + "/half-2")
        let topic = try open().topic("half")
        #expect(topic.partitionCount == 3)
        try topic.partition(1).append("there")
        #expect(try TopicCatalog.read(in: path, files)["half"]?.state == .live)
    }

    @Test("a topic whose deletion a crash cut short is gone")
    func deleting() throws {
        do {
            let store = try open()
            try store.createTopic("gone", partitions: 2)
            try store.createTopic("kept").append("here")
        }
        try changeCatalog { $0["gone"]?.state = .deleting }
        try removeDirectory("gone-0")
        let store = try open()
        #expect(store.topics().map(\.name) == ["kept"])
        #expect(try !files.list(path).contains("gone-1"))
        #expect(try TopicCatalog.read(in: path, files).entries.map(\.name) == ["kept"])
    }

    @Test("a partition whose directory is missing is missed, and not made anew in silence")
    func missing() throws {
        try open().createTopic("torn", partitions: 2)
        try removeDirectory("torn-0")
        let topic = try open().topic("torn")
        #expect(topic.partitionCount == 2 && topic.partitions.map(\.index) == [1])
        guard
            case .damaged(let file, _, _) = storeError({
                _ = try topic.partition(0)
            })
        else {
            Issue.record("it is there")
            return
        }
        #expect(file == "torn-0")
        try topic.partition(1).append("still there")
        var reader = topic.reader()
        #expect(throws: LogStoreError.self, "half a topic is not read as if it were all") {
            _ = try reader.next()
        }
        #expect(try topic.partition(1).read(from: .earliest).map(\.value) == ["still there"])
    }

    @Test("directories without a line have default settings, until these are changed")
    func foreign() throws {
        try open().createTopic("made", partitions: 2, settings: .compacted)
        try files.remove(catalogPath)
        do {
            let topic = try open().topic("made")
            #expect(topic.partitionCount == 2 && topic.settings == TopicSettings())
            try topic.update(.compacted)
        }
        #expect(try open().topic("made").settings == .compacted)
    }

    @Test("a line about a topic that somebody else has made anew no longer counts")
    func otherID() throws {
        try open().createTopic("again", settings: .compacted)
        try changeCatalog { catalog in
            let entry = try #require(catalog["again"])
            catalog["again"] = TopicCatalog.Entry(
                state: .live, name: "again", id: TopicID(high: 1, low: 2), partitions: 5,
                settings: entry.settings)
        }
        let topic = try open().topic("again")
        #expect(topic.partitionCount == 1 && topic.settings == TopicSettings())
    }

    @Test("settings of a later version are passed over; a line that makes no sense is not")
    func text() throws {
        try open().close()
        let id = "4f0Yg8mRTvGv8vS8g7x0Lw"
        try write("apus-topics 1\nlive later \(id) 1 segment.bytes=4096 colour=blue\n")
        do {
            let topic = try open().topic("later")
            #expect(topic.settings.segmentBytes == 4096)
        }
        for (line, number) in [
            ("live x \(id) none", 2), ("live x \(id) 1 segment.bytes=2", 2),
            ("live b \(id) 1\nlive a \(id) 1", 3), ("live x/y \(id) 1", 2), ("huh", 2),
        ] {
            try write("apus-topics 1\n\(line)\n")
            guard
                case .damaged(let file, let position, let reason) = storeError({
                    _ = try open()
                })
            else {
                Issue.record("\(line) passed")
                continue
            }
            #expect(file == catalogPath && position == number - 1)
            #expect(reason.hasPrefix("line \(number)"))
        }
    }

    @Test("every setting survives being written and read")
    func settings() throws {
        var settings = TopicSettings.compacted
        settings.compaction.dirtyRatio = 0.125
        settings.compaction.minimumAge = .seconds(1)
        settings.compaction.maximumAge = .seconds(2)
        settings.compaction.deletedKeyRetention = .milliseconds(3)
        settings.retention = .seconds(4)
        settings.retentionBytes = 5
        settings.segmentAge = .seconds(6)
        settings.compression = .lz4
        settings.compressionLevel = 7
        settings.timestamps = .ofAppend
        settings.durability = .synced
        #expect(try TopicSettings(words: settings.words.map { $0[...] }) == settings)
        #expect(try TopicSettings(words: TopicSettings().words.map { $0[...] }) == TopicSettings())
    }
}
