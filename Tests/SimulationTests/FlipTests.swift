import LogCore
import Primitives
import RecordFormat
import Simulation
import Testing

@Suite("A bit flips in what was synced")
struct FlipTests {
    private static let partition = TopicPartition(topic: "t", partition: PartitionIndex(0))
    private static let path = "/logs"

    struct Shape: Sendable, CustomTestStringConvertible {
        let records: Int
        let indexInterval: Int
        var testDescription: String { "\(records) records a batch, index every \(indexInterval)" }
    }

    /// Without index entries, with one for each batch, and for every third one.
    static let shapes = [
        Shape(records: 1, indexInterval: 4096), Shape(records: 4, indexInterval: 1),
        Shape(records: 2, indexInterval: 250),
    ]

    /// A log of several segments, all of it below the recovery point.
    private func makeLog(_ shape: Shape) throws -> (disk: DiskState, end: Offset) {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 700
        configuration.indexIntervalBytes = shape.indexInterval
        let disk = SimulatedDisk()
        let directory = try LogDirectory.open(
            Self.path, world: SimulatedWorld(disk: disk).world, defaults: configuration)
        let log = try directory.createLog(
            Self.partition, topicID: TopicID(high: 1, low: 1), configuration: configuration)
        for number in 0..<20 {
            var builder = RecordBatchBuilder()
            for record in 0..<shape.records {
                builder.append(
                    timestamp: Timestamp(1000 + Int64(number)), key: nil,
                    value: Bytes("value number \(number), record \(record)"))
            }
            try log.append(builder.build(), leaderEpoch: .zero, now: Timestamp(1000))
        }
        let end = try log.logEndOffset
        try directory.close()
        return (disk.state, end)
    }

    private typealias Place = (path: String, position: Int, bit: Int)

    /// Where a batch's leader epoch is: no checksum covers it, and no reader goes by it.
    private static let epochBytes = 12..<16

    /// What `choose` takes of each batch of every segment.
    private func places(
        in disk: DiskState, _ choose: (Range<Int>) -> [(byte: Int, bit: Int)]
    ) -> [Place] {
        var places: [Place] = []
        for path in disk.paths where path.hasSuffix(".log") {
            let bytes = Bytes(disk.content(path) ?? [])
            var position = 0
            while let header = try? RecordBatchHeader(reading: bytes, at: position) {
                for (byte, bit) in choose(0..<header.sizeInBytes) {
                    places.append((path, position + byte, bit))
                }
                position += header.sizeInBytes
                if position >= bytes.count { break }
            }
        }
        return places
    }

    /// One bit of every few bytes, but for the leader epochs.
    private func places(in disk: DiskState, every step: Int) -> [Place] {
        places(in: disk) { batch in
            stride(from: batch.lowerBound, to: batch.upperBound, by: step)
                .filter { !Self.epochBytes.contains($0) }.map { ($0, $0 % 8) }
        }
    }

    /// The disk with one bit the other way round, after a clean stop or a crash.
    private func flipped(_ disk: DiskState, _ place: Place, isClean: Bool) throws -> SimulatedDisk {
        var state = disk
        state.flip(place.path, bit: place.bit, at: place.position)
        let disk = SimulatedDisk(state)
        if !isClean { try disk.remove(Self.path + "/.kafka_cleanshutdown") }
        return disk
    }

    @Test("verifying names the file, and a place at or before the bit in its batch")
    func verify() throws {
        let (disk, _) = try makeLog(Self.shapes[0])
        let places = places(in: disk, every: 17)
        #expect(places.count > 80)
        for place in places {
            var state = disk
            state.flip(place.path, bit: place.bit, at: place.position)
            let files = SimulatedDisk(state)
            var found: [Finding] = []
            var verifier = LogVerifier(files: files) { findings, _ in found += findings }
            try verifier.verify(InspectionTarget(Self.path, files: files))
            let isFound = found.contains {
                $0.severity == .damaged && $0.file == place.path
                    && (0...place.position).contains($0.position ?? -1)
            }
            #expect(isFound, "\(place): \(found)")
        }
    }

    @Test(
        "a start never makes the log shorter, and reading does not give the bad batch out",
        arguments: shapes)
    func start(_ shape: Shape) throws {
        let (disk, end) = try makeLog(shape)
        // In the segments that a start looks at every bit of the base offsets, which no checksum
        // covers either.
        let last = try #require(disk.paths.last { $0.hasSuffix(".log") })
        let offsets = places(in: disk) { _ in (0..<64).map { ($0 / 8, $0 % 8) } }
            .filter { $0.path == last }
        #expect(offsets.count >= 128)
        for place in places(in: disk, every: 13) + offsets {
            for isClean in [true, false] {
                let start = try flipped(disk, place, isClean: isClean)
                let verdict = try reading(start, place.path, end)
                #expect(verdict == nil, "\(place), clean \(isClean): \(verdict ?? "")")
                #expect(start.state.size(place.path) == disk.size(place.path))
            }
        }
    }

    @Test("a leader epoch that a bit made another is not taken for a leader's")
    func epoch() throws {
        let (disk, end) = try makeLog(Self.shapes[0])
        for place in places(in: disk, { _ in [(12, 6), (15, 0)] }) {
            for isClean in [true, false] {
                let start = try flipped(disk, place, isClean: isClean)
                let directory = try LogDirectory.open(
                    Self.path, world: SimulatedWorld(disk: start).world,
                    defaults: LogConfiguration())
                let log = try #require(directory.log(Self.partition))
                #expect(try log.logEndOffset == end)
                #expect(try log.latestEpoch == .zero, "\(place), clean \(isClean)")
            }
        }
    }

    /// Returns what is wrong with how the log takes the damage in `path`.
    private func reading(_ disk: SimulatedDisk, _ path: String, _ end: Offset) throws -> String? {
        let directory = try LogDirectory.open(
            Self.path, world: SimulatedWorld(disk: disk).world, defaults: LogConfiguration())
        guard let log = directory.log(Self.partition) else { return "the log is gone" }
        var next = Offset.zero
        do {
            let found = try log.logEndOffset
            if found != end { return "the log ends at \(found), not \(end)" }
            while next < end {
                let slice = try log.read(from: next, maxBytes: 1 << 20)
                guard let region = slice.region else { return "nothing can be read at \(next)" }
                var batches = RecordBatches(
                    try region.file.read(count: region.count, at: region.position))
                while let batch = try batches.next() {
                    try batch.validate(from: .log)
                    if batch.header.baseOffset != next { return nil }
                    next = batch.header.nextOffset
                }
            }
            return "all of it can be read"
        } catch LogError.corrupt(let file, _, _) {
            return file == path ? nil : "the error names \(file)"
        } catch is BatchError {
            // Of the bytes that were read, whose place the reader knows.
            return nil
        }
    }
}
