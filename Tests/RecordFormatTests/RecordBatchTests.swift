import Primitives
import Testing

@testable import RecordFormat

@Suite("Record batches")
struct RecordBatchTests {
    private let limit = 1 << 20

    /// A batch of three records with a null key, a null value and headers.
    private func sample(
        compression: Compression = .none, producer: RecordBatchBuilder.Producer = .none,
        isTransactional: Bool = false, isControl: Bool = false
    ) throws -> Bytes {
        var builder = RecordBatchBuilder(
            compression: compression, producer: producer, isTransactional: isTransactional,
            isControl: isControl)
        builder.append(timestamp: Timestamp(1_000), key: Bytes("k"), value: Bytes("one"))
        builder.append(
            timestamp: Timestamp(990), key: nil, value: Bytes("two"),
            headers: [RecordHeader("trace", Bytes("7")), RecordHeader("none", nil)])
        builder.append(timestamp: Timestamp(1_500), key: Bytes(""), value: nil)
        return try builder.build()
    }

    /// The batch with one field of its header changed and a checksum that fits.
    private func patched<Field: FixedWidthInteger>(_ value: Field, at position: Int) throws -> Bytes
    {
        let bytes = Bytes(try sample().array)
        bytes.overwrite(value, at: position)
        return RecordBatchHeader.finishInPlace(
            bytes, attributes: BatchAttributes(rawValue: bytes.load(at: 21, as: Int16.self)))
    }

    private func error(_ bytes: Bytes, from source: RecordBatch.Source = .producer) -> BatchError? {
        do throws(BatchError) {
            try RecordBatch(atFrontOf: bytes).validate(from: source)
            return nil
        } catch {
            return error
        }
    }

    @Test("a batch holds what was put in, under each codec", arguments: Compression.allCases)
    func holdsRecords(codec: Compression) throws {
        let batch = try RecordBatch(atFrontOf: sample(compression: codec))
        try batch.validate(from: .producer)
        #expect(batch.header.recordCount == 3)
        #expect(batch.header.lastOffsetDelta == 2)
        #expect(batch.header.compression == codec)
        #expect(batch.header.baseTimestamp == Timestamp(1_000))
        #expect(batch.header.maxTimestamp == Timestamp(1_500))
        #expect(batch.header.lastSequence == -1)
        var records = try batch.records(decompressionLimit: limit)
        let read = try records.rest()
        #expect(read.map(\.offset) == [Offset(0), Offset(1), Offset(2)])
        #expect(read.map(\.timestamp.rawValue) == [1_000, 990, 1_500])
        #expect(read.map(\.key) == [Bytes("k"), nil, Bytes("")])
        #expect(read.map(\.value) == [Bytes("one"), Bytes("two"), nil])
        #expect(read[1].headers == [RecordHeader("trace", Bytes("7")), RecordHeader("none", nil)])
        #expect(try batch.validateRecords(decompressionLimit: limit) == Timestamp(1_500))
    }

    @Test("the layout is Kafka's, byte for byte")
    func layout() throws {
        var builder = RecordBatchBuilder(
            baseOffset: Offset(5), leaderEpoch: LeaderEpoch(3),
            producer: .init(id: ProducerID(9), epoch: ProducerEpoch(1), baseSequence: 4))
        builder.append(
            timestamp: Timestamp(256), key: nil, value: Bytes("v"),
            headers: [RecordHeader("h", nil)])
        let expected = Bytes(
            hex: """
                0000000000000005 0000003c 00000003 02 00000000 0000 00000000 0000000000000100
                0000000000000100 0000000000000009 0001 00000004 00000001
                14 00 00 00 01 02 76 02 02 68 01
                """)
        let bytes = try builder.build()
        expected.overwrite(bytes.load(at: 17, as: UInt32.self), at: 17)
        #expect(bytes == expected)
    }

    @Test("a batch cut at any byte is called truncated")
    func truncation() throws {
        let bytes = try sample()
        for end in 0..<bytes.count {
            guard case .truncated(_, end) = error(bytes.slice(0..<end)) else {
                Issue.record("cut at \(end)")
                return
            }
        }
    }

    @Test("each flipped bit behind the checksum is found")
    func flippedBits() throws {
        let bytes = try sample()
        for bit in (21 * 8)..<(bytes.count * 8) {
            var flipped = bytes.array
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(error(Bytes(flipped)) != nil, "bit \(bit)")
        }
    }

    @Test("old message formats, bad lengths, codecs and offsets are told apart")
    func badHeaders() throws {
        func patchedOnly(_ change: (Bytes) -> Void) throws -> BatchError? {
            let bytes = Bytes(try sample().array)
            change(bytes)
            return error(bytes)
        }
        for magic in [0, 1, 3, -1] as [Int8] {
            #expect(try patchedOnly { $0.overwrite(magic, at: 16) } == .unsupportedMagic(magic))
        }
        for length in [48, 0, -1, Int32.min] as [Int32] {
            #expect(
                try patchedOnly { $0.overwrite(length, at: 8) } == .invalidLength(Int(length)))
        }
        #expect(try patchedOnly { $0.overwrite(5 as Int16, at: 21) } == .unknownCompression(5))
        #expect(
            try patchedOnly { $0.overwrite(-1 as Int64, at: 0) }
                == .invalidOffsets(base: -1, lastDelta: 2))
        #expect(
            try patchedOnly { $0.overwrite(Int64.max - 2, at: 0) }
                == .invalidOffsets(base: Int64.max - 2, lastDelta: 2))
        #expect(
            try patchedOnly { $0.overwrite(-1 as Int32, at: 23) }
                == .invalidOffsets(base: 0, lastDelta: -1))
    }

    @Test("a producer's count must fit its offsets; in a log, gaps are in order")
    func counts() throws {
        for count in [0, 2, 4, -1, Int32.max] as [Int32] {
            let bytes = try patched(count, at: 57)
            let expected = BatchError.invalidRecordCount(count, lastOffsetDelta: 2)
            #expect(error(bytes) == expected)
            #expect(error(bytes, from: .log) == (0...3 ~= count ? nil : expected))
        }
        #expect(
            error(try patched(Int32.max, at: 23))
                == .invalidRecordCount(3, lastOffsetDelta: Int32.max))
    }

    @Test("what a producer may not write is refused, each with its own error")
    func producerRules() throws {
        #expect(error(try patched(7 as Int64, at: 0)) == .baseOffsetNotZero(Offset(7)))
        #expect(error(try sample(isControl: true)) == .controlBatchFromProducer)
        #expect(error(try sample(isControl: true), from: .log) == nil)
        let noSequence = RecordBatchBuilder.Producer(
            id: ProducerID(1), epoch: ProducerEpoch(0), baseSequence: -1)
        let expected = BatchError.inconsistentProducer(
            ProducerID(1), ProducerEpoch(0), baseSequence: -1)
        #expect(error(try sample(producer: noSequence)) == expected)
        #expect(error(try sample(isTransactional: true)) != nil)
        let good = RecordBatchBuilder.Producer(
            id: ProducerID(1), epoch: ProducerEpoch(0), baseSequence: 0)
        #expect(error(try sample(producer: good, isTransactional: true)) == nil)
    }

    @Test("sequences go on at 0 behind the largest number")
    func sequences() throws {
        for (base, last) in [
            (0, 2), (Int32.max - 2, Int32.max), (Int32.max - 1, 0), (Int32.max, 1),
        ]
            as [(Int32, Int32)]
        {
            let producer = RecordBatchBuilder.Producer(
                id: ProducerID(1), epoch: ProducerEpoch(0), baseSequence: base)
            let batch = try RecordBatch(atFrontOf: sample(producer: producer))
            #expect(batch.header.lastSequence == last)
        }
    }

    @Test("stamping offset and epoch leaves the checksum; the append's time renews it")
    func stamping() throws {
        let bytes = Bytes(try sample().array)
        var batch = try RecordBatch(atFrontOf: bytes)
        batch.stamp(baseOffset: Offset(100), leaderEpoch: LeaderEpoch(7))
        var again = try RecordBatch(atFrontOf: bytes)
        try again.validate(from: .log)
        #expect(again.header == batch.header)
        #expect(again.header.nextOffset == Offset(103))
        #expect(again.header.partitionLeaderEpoch == LeaderEpoch(7))

        batch.stamp(logAppendTime: Timestamp(5_000))
        again = try RecordBatch(atFrontOf: bytes)
        try again.validate(from: .log)
        #expect(again.header == batch.header)
        #expect(again.header.attributes.timestampType == .logAppendTime)
        var records = try again.records(decompressionLimit: limit)
        #expect(try records.rest().map(\.timestamp.rawValue) == [5_000, 5_000, 5_000])
    }

    @Test("recompression changes the codec and nothing else", arguments: Compression.allCases)
    func recompression(codec: Compression) throws {
        let original = try RecordBatch(atFrontOf: sample(compression: .gzip))
        let other = try RecordBatch(
            atFrontOf: original.recompressed(to: codec, decompressionLimit: limit))
        try other.validate(from: .producer)
        #expect(other.header.compression == codec)
        var before = try original.records(decompressionLimit: limit)
        var after = try other.records(decompressionLimit: limit)
        #expect(try before.rest() == after.rest())
    }

    @Test("records that expand beyond the limit are refused")
    func expansion() throws {
        var builder = RecordBatchBuilder(compression: .zstd)
        builder.append(
            timestamp: .none, key: nil, value: Bytes([UInt8](repeating: 0, count: 1 << 20)))
        let batch = try RecordBatch(atFrontOf: builder.build())
        #expect(throws: BatchError.compression(.exceedsLimit(.zstd, limit: 1000))) {
            try batch.records(decompressionLimit: 1000)
        }
    }

    @Test("records that do not add up are refused when the batch is opened")
    func badRecords() throws {
        // Fewer than promised, more than promised, a length that reaches out, a length too short,
        // an offset out of order, a header without a name.
        let first = 61
        let changes: [(UInt8, Int, String)] = [
            (2, 60, "trailing"), (4, 60, "missing"), (0x7e, first, "too long"),
            (0x02, first, "short"),
            (0x06, first + 3, "offset"), (0x01, first + 4, "key"), (0x0c, first + 10, "headers"),
        ]
        for (value, position, name) in changes {
            let bytes = try patched(value, at: position)
            let batch = try RecordBatch(atFrontOf: bytes)
            #expect(throws: BatchError.self, "\(name)") {
                try batch.validateRecords(decompressionLimit: limit)
            }
        }
        let batch = try RecordBatch(atFrontOf: sample())
        #expect(throws: BatchError.missingKeys(indices: [1])) {
            try batch.validateRecords(decompressionLimit: limit, requiringKeys: true)
        }
    }

    @Test("records without a key are named one by one up to a bound, beyond it none is")
    func manyKeyless() throws {
        for count in [RecordBatch.namedRecords, RecordBatch.namedRecords + 1] {
            var builder = RecordBatchBuilder()
            for _ in 0..<count {
                builder.append(timestamp: Timestamp(1), key: nil, value: Bytes("x"))
            }
            let batch = try RecordBatch(atFrontOf: builder.build())
            let named = count > RecordBatch.namedRecords ? [] : Array(0..<count)
            #expect(throws: BatchError.missingKeys(indices: named)) {
                try batch.validateRecords(decompressionLimit: limit, requiringKeys: true)
            }
        }
    }

    @Test("going from batch to batch ends at the part of one, wherever it is cut")
    func walking() throws {
        let one = try sample().array
        let all = Bytes(one + one + one)
        for end in 0...all.count {
            var batches = RecordBatches(all.slice(0..<end))
            var count = 0
            while let batch = try batches.next() {
                #expect(batch.header.recordCount == 3)
                count += 1
            }
            #expect(count == end / one.count)
            #expect(batches.remaining == end % one.count)
        }
        var damaged = all.array
        damaged[one.count + 16] = 1
        var batches = RecordBatches(Bytes(damaged))
        _ = try batches.next()
        #expect(throws: BatchError.unsupportedMagic(1)) { try batches.next() }
        #expect(batches.position == one.count)
    }

    @Test("a batch rewritten by compaction keeps its range, producer and horizon")
    func compaction() throws {
        let producer = RecordBatchBuilder.Producer(
            id: ProducerID(1), epoch: ProducerEpoch(0), baseSequence: 10)
        var batch = try RecordBatch(
            atFrontOf: Bytes(sample(compression: .lz4, producer: producer).array))
        batch.stamp(baseOffset: Offset(40), leaderEpoch: LeaderEpoch(2))
        var records = try batch.records(decompressionLimit: limit)
        let kept = try records.rest()[1]

        var builder = RecordBatchBuilder(
            rewriting: batch.header, deleteHorizon: Timestamp(77_000))
        builder.append(kept)
        let rewritten = try RecordBatch(
            atFrontOf: builder.build(lastOffset: batch.header.lastOffset))
        try rewritten.validate(from: .log)
        #expect(rewritten.header.baseOffset == Offset(40))
        #expect(rewritten.header.lastOffset == Offset(42))
        #expect(rewritten.header.lastSequence == 12)
        #expect(rewritten.header.deleteHorizon == Timestamp(77_000))
        #expect(rewritten.header.maxTimestamp == kept.timestamp)
        #expect(rewritten.header.compression == .lz4)
        var after = try rewritten.records(decompressionLimit: limit)
        #expect(try after.rest() == [kept])

        // Nothing left: the header alone remembers the range and the producer.
        let empty = try RecordBatch(
            atFrontOf: RecordBatchBuilder(rewriting: rewritten.header)
                .build(lastOffset: rewritten.header.lastOffset))
        try empty.validate(from: .log)
        #expect(empty.bytes.count == RecordBatchHeader.size)
        #expect(empty.header.lastOffset == Offset(42))
        #expect(empty.header.deleteHorizon == Timestamp(77_000))
        var none = try empty.records(decompressionLimit: limit)
        #expect(try none.rest().isEmpty)
    }

    @Test("random batches come back as they were built", arguments: 0..<60)
    func randomBatches(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let codec = Compression.allCases[seed % Compression.allCases.count]
        let base = Offset(Int64(random.below(1 << 40)))
        let logAppendTime = seed % 3 == 0 ? Timestamp(9) : nil
        var builder = RecordBatchBuilder(
            baseOffset: base, compression: codec, logAppendTime: logAppendTime)
        var expected: [Record] = []
        for _ in 0..<random.below(200) {
            func bytes() -> Bytes? {
                random.below(5) == 0 ? nil : random.text(random.below(random.below(300) + 1))
            }
            let record = Record(
                offset: builder.nextOffset.advanced(by: Int64(random.below(3))),
                timestamp: logAppendTime ?? Timestamp(Int64(bitPattern: random.next()) >> 1),
                key: bytes(), value: bytes(),
                headers: (0..<random.below(4)).map { RecordHeader("h\($0)", bytes()) })
            builder.append(record)
            expected.append(record)
        }
        let bytes = try builder.build()
        let batch = try RecordBatch(atFrontOf: bytes)
        try batch.validate(from: .log)
        var records = try batch.records(decompressionLimit: 1 << 22)
        #expect(try records.rest() == expected)
        for _ in 0..<200 {
            let end = random.below(bytes.count)
            #expect(throws: BatchError.self) { try RecordBatch(atFrontOf: bytes.slice(0..<end)) }
        }
    }

    @Test("damaged records with a checksum that fits never trap", arguments: Compression.allCases)
    func damagedRecords(codec: Compression) throws {
        var random = SplitMix(seed: 11)
        let bytes = try sample(compression: codec).array
        for _ in 0..<3000 {
            let damaged = Bytes(bytes)
            for _ in 0...random.below(3) {
                damaged.overwrite(UInt8(random.below(256)), at: 23 + random.below(bytes.count - 23))
            }
            let sealed = RecordBatchHeader.finishInPlace(
                damaged, attributes: BatchAttributes(compression: codec))
            guard let batch = try? RecordBatch(atFrontOf: sealed) else { continue }
            _ = try? batch.validate(from: .log)
            _ = try? batch.validateRecords(decompressionLimit: 100_000)
        }
    }
}
