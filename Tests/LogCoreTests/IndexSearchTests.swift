import Primitives
import Synchronization
import Testing

@testable import LogCore

@Suite("Searches in an index file")
struct IndexSearchTests {
    private let directory: TemporaryDirectory
    private let faults = Faults()
    private var files: FaultyFileSystem { FaultyFileSystem(faults: faults) }

    init() throws { directory = try TemporaryDirectory() }

    /// An index with `count` entries in its file and some more that wait.
    private func index(
        _ count: Int, waiting: Int = 0, offset: (Int) -> Int32 = { Int32($0 * 10) }
    ) throws -> IndexFile<OffsetIndexEntry> {
        var index = IndexFile<OffsetIndexEntry>(newAt: directory.path + "/a.index")
        for number in 1...max(count + waiting, 1) where number <= count + waiting {
            if number == count + 1 { try index.writePending(files) }
            index.append(
                OffsetIndexEntry(relativeOffset: offset(number), position: Int32(number * 4096)))
        }
        if waiting == 0 { try index.writePending(files) }
        return index
    }

    /// The last entry at or below `offset`, looked for first where it would be if offsets grew evenly.
    private func find(
        _ offset: Int32, in index: inout IndexFile<OffsetIndexEntry>
    ) throws -> OffsetIndexEntry? {
        try index.floor(
            files, share: { Double(offset) / Double($0.relativeOffset) },
            where: { $0.relativeOffset <= offset })
    }

    @Test(
        "the place is found, wherever it is and whatever the guess",
        arguments: [0, 1, 2, 511, 512, 513, 1024, 5000], [0, 3])
    func place(count: Int, waiting: Int) throws {
        var index = try index(count, waiting: waiting)
        let all = count + waiting
        let places = Set([0, 1, 2, 255, 256, 257, 511, 512, 513, 700, 2500, all / 2, all - 1, all])
        for place in places.sorted() where place >= 0 && place <= all {
            for share in [-1, 0, 0.1, 0.5, Double(place) / Double(max(count, 1)), 0.93, 1, 7] {
                let split = try index.split(
                    files, share: { _ in share },
                    where: { $0.relativeOffset <= Int32(place * 10) })
                let context: Comment = "\(place) of \(count)+\(waiting), guess \(share)"
                #expect(split.count == place, context)
                #expect(split.below?.position == (place == 0 ? nil : Int32(place * 4096)), context)
                let next = Int32((place + 1) * 4096)
                #expect(split.above?.position == (place == all ? nil : next), context)
            }
        }
    }

    @Test("one read is enough where offsets grow evenly, however many entries there are")
    func even() throws {
        var index = try index(50_000)
        for offset in [5 as Int32, 123_456, 250_004, 499_999] {
            let before = faults.reads.load(ordering: .relaxed)
            let found = try find(offset, in: &index)
            #expect(found?.relativeOffset == (offset < 10 ? nil : offset / 10 * 10))
            #expect(faults.reads.load(ordering: .relaxed) == before + 1)
        }
    }

    @Test("few reads are enough where offsets grow unevenly")
    func uneven() throws {
        // Batches of one record for long, then of a thousand.
        var index = try index(50_000) { $0 < 40_000 ? Int32($0) : Int32(($0 - 39_900) * 1000) }
        for offset in [20_000 as Int32, 39_999, 100_500, 5_000_000, 10_000_000] {
            let before = faults.reads.load(ordering: .relaxed)
            let found = try find(offset, in: &index)
            #expect(try #require(found).relativeOffset <= offset)
            #expect(faults.reads.load(ordering: .relaxed) <= before + 12)
        }
    }

    @Test("what was cut off is not taken for the last entry")
    func truncated() throws {
        var index = try index(2000)
        _ = try find(20_000, in: &index)
        try index.truncate(files, keeping: 1500)
        #expect(try index.last(files)?.relativeOffset == 15_000)
        index.append(OffsetIndexEntry(relativeOffset: 15_005, position: 1501 * 4096))
        try index.writePending(files)
        #expect(try index.last(files)?.relativeOffset == 15_005)
        #expect(try find(15_005, in: &index)?.position == Int32(1501 * 4096))
    }
}
