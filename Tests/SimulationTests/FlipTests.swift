import LogCore
import Primitives
import RecordFormat
import Simulation
import Testing

@Suite("A bit flips in what was synced")
struct FlipTests {
    private static let partition = TopicPartition(topic: "t", partition: PartitionIndex(0))
    private static let path = "/logs"

    /// A log of several segments, all of it below the recovery point.
    private func makeLog() throws -> (disk: DiskState, end: Offset) {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 500
        let disk = SimulatedDisk()
        let directory = try LogDirectory.open(
            Self.path, world: SimulatedWorld(disk: disk).world, defaults: configuration)
        let log = try directory.createLog(
            Self.partition, topicID: TopicID(high: 1, low: 1), configuration: configuration)
        for number in 0..<20 {
            var builder = RecordBatchBuilder()
            builder.append(
                timestamp: Timestamp(1000), key: nil, value: Bytes("value number \(number)"))
            try log.append(builder.build(), leaderEpoch: .zero, now: Timestamp(1000))
        }
        let end = try log.logEndOffset
        try directory.close()
        return (disk.state, end)
    }

    /// One bit of every few bytes of every segment, in each batch from byte `first` on; but for the
    /// leader epochs, which no checksum covers.
    private func places(
        in disk: DiskState, from first: Int
    ) -> [(path: String, position: Int, bit: Int)] {
        var places: [(path: String, position: Int, bit: Int)] = []
        for path in disk.paths where path.hasSuffix(".log") {
            let bytes = Bytes(disk.content(path) ?? [])
            var position = 0
            while let header = try? RecordBatchHeader(reading: bytes, at: position) {
                for byte in stride(from: first, to: header.sizeInBytes, by: 17)
                where !(12..<16).contains(byte) {
                    places.append((path, position + byte, (position + byte) % 8))
                }
                position += header.sizeInBytes
                if position >= bytes.count { break }
            }
        }
        return places
    }

    @Test("verifying names the file, and a place at or before the bit in its batch")
    func verify() throws {
        let (disk, _) = try makeLog()
        let places = places(in: disk, from: 0)
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

    @Test("a start never makes the log shorter, and reading does not give the bad batch out")
    func start() throws {
        let (disk, end) = try makeLog()
        // Before byte 16 is what no checksum covers: base offset, length, epoch.
        for place in places(in: disk, from: 16) {
            for isClean in [true, false] {
                var state = disk
                state.flip(place.path, bit: place.bit, at: place.position)
                let disk = SimulatedDisk(state)
                if !isClean { try disk.remove(Self.path + "/.kafka_cleanshutdown") }
                let verdict = try reading(disk, place.path, end)
                #expect(verdict == nil, "\(place), clean \(isClean): \(verdict ?? "")")
                #expect(disk.state.size(place.path) == state.size(place.path))
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
