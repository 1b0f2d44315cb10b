import Primitives
import Simulation
import Testing

@Suite("A simulated disk")
struct DiskTests {
    private let disk = SimulatedDisk()

    init() throws {
        try disk.createDirectory("/data")
        try disk.synchronizeDirectory("/")
    }

    @Test("what was written is read, under the name the file was given last")
    func renamed() throws {
        try disk.open("/data/a", .create).write(Bytes("one"), at: 0)
        try disk.rename("/data/a", to: "/data/b")
        #expect(try disk.list("/data") == ["b"])
        #expect(try disk.readAll("/data/b", limit: 3).array == Array("one".utf8))
    }

    @Test("a synced file without a synced name is gone, a name without content is an empty file")
    func syncedApart() throws {
        let nameless = try disk.open("/data/nameless", .create)
        try nameless.write(Bytes("kept"), at: 0)
        try nameless.synchronize()
        #expect(disk.state.after(.nothing).paths.isEmpty)
        try disk.open("/data/empty", .create).write(Bytes("lost"), at: 0)
        try disk.synchronizeDirectory("/data")
        let after = disk.state.after(.nothing)
        #expect(after.paths == ["/data/empty", "/data/nameless"])
        #expect(after.content("/data/empty") == [])
        #expect(after.content("/data/nameless") == Array("kept".utf8))
    }

    @Test("a later write survives an earlier one, with zeros in between, and a write may be torn")
    func reordered() throws {
        let file = try disk.open("/data/a", .create)
        try disk.synchronizeDirectory("/data")
        try file.write(Bytes("abc"), at: 0)
        let first = disk.state.changeCount
        try file.write(Bytes("def"), at: 3)
        let state = disk.state
        #expect(state.after(.without(first)).content("/data/a") == [0, 0, 0] + Array("def".utf8))
        let torn = Survival.torn(first + 1, bytes: 1, extended: true)
        #expect(state.after(torn).content("/data/a") == Array("abcd".utf8) + [0, 0])
    }

    @Test("a renamed file has one of its two names")
    func atomicRename() throws {
        let file = try disk.open("/data/a", .create)
        try file.write(Bytes("x"), at: 0)
        try file.synchronize()
        try disk.synchronizeDirectory("/data")
        try disk.rename("/data/a", to: "/data/b")
        #expect(disk.state.after(.nothing).paths == ["/data/a"])
        #expect(disk.state.after(.everything).paths == ["/data/b"])
    }

    @Test("what a failed sync forgot no later one brings to the disk")
    func failedSync() throws {
        let file = try disk.open("/data/a", .create)
        try disk.synchronizeDirectory("/data")
        for place in 0..<64 { try file.write(Bytes("x"), at: place) }
        disk.faults.failingSyncs = 1
        #expect(throws: FileError.self) { try file.synchronize() }
        disk.faults = DiskFaults()
        try file.write(Bytes("y"), at: 64)
        try file.synchronize()
        #expect(try file.read(count: 65, at: 0).array.prefix(64).allSatisfy { $0 == 0x78 })
        let content = try #require(disk.state.after(.nothing).content("/data/a"))
        #expect(content.last == 0x79 && content.contains(0))
    }

    @Test("a full disk takes the beginning of a write and refuses the rest")
    func full() throws {
        let file = try disk.open("/data/a", .create)
        disk.faults.capacity = 2
        let error = #expect(throws: FileError.self) { try file.write(Bytes("abc"), at: 0) }
        #expect(error?.isNoSpace == true)
        #expect(try file.size() == 2)
    }

    @Test("the same seed does the same, change by change")
    func deterministic() throws {
        func trace(_ seed: UInt64) -> [String] {
            let lines = Lines()
            var run = LogSeed(seed: seed, trace: lines)
            _ = try? run.run()
            return lines.all
        }
        for seed in 1...5 as ClosedRange<UInt64> {
            let first = trace(seed)
            #expect(!first.isEmpty)
            #expect(first == trace(seed))
        }
    }
}
