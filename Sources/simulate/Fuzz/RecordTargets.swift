internal import Primitives
internal import RecordFormat
internal import Simulation

/// Targets in `RecordFormat`: batches and what is in them, and each codec both ways.
enum RecordTargets {
    static let all: [FuzzTarget] =
        [batches] + Compression.allCases.dropFirst().map(decoder) + [roundTrip]

    /// Small enough that mutated content often passes it.
    private static let limit = 1 << 20

    // MARK: Batches

    private static let batches = FuzzTarget(
        name: "batches", about: "walk, validate and open record batches, checksum mended or not",
        examples: {
            Compression.allCases.flatMap { codec in [batch(codec), batch(codec, isControl: true)] }
        },
        run: { bytes throws(FuzzTarget.Broken) in
            walk(bytes)
            // Again with a checksum that fits, so that damage is met behind it too.
            if let batch = try? RecordBatch(atFrontOf: bytes) {
                var mended = batch
                mended.stamp(logAppendTime: batch.header.maxTimestamp)
                try reopen(mended)
                walk(mended.bytes)
            }
        })

    private static func walk(_ bytes: Bytes) {
        var batches = RecordBatches(bytes)
        while let batch = try? batches.next() {
            _ = try? batch.validate(from: .producer)
            _ = try? batch.validateRecords(decompressionLimit: limit, requiringKeys: true)
            guard var records = try? batch.records(decompressionLimit: limit) else { continue }
            while let record = try? records.next() {
                if batch.header.attributes.isControl { _ = try? ControlRecord(record) }
            }
        }
    }

    /// What can be read can be written again, and then reads the same.
    private static func reopen(_ batch: RecordBatch) throws(FuzzTarget.Broken) {
        guard (try? batch.validate(from: .log)) != nil,
            var records = try? batch.records(decompressionLimit: limit),
            let content = try? records.rest()
        else { return }
        var builder = RecordBatchBuilder(rewriting: batch.header)
        for record in content { builder.append(record) }
        guard let bytes = try? builder.build(lastOffset: batch.header.lastOffset),
            let again = try? RecordBatch(atFrontOf: bytes),
            (try? again.validate(from: .log)) != nil,
            var reread = try? again.records(decompressionLimit: .max),
            let copy = try? reread.rest(), copy == content
        else { throw FuzzTarget.Broken(description: "a batch does not survive being rebuilt") }
    }

    private static func batch(_ codec: Compression, isControl: Bool = false) -> Bytes {
        var builder = RecordBatchBuilder(compression: codec, isControl: isControl)
        if isControl {
            builder.append(.endTransaction(.commit, coordinatorEpoch: 1), timestamp: Timestamp(1))
            builder.append(
                .leaderChange(
                    LeaderChange(
                        leader: BrokerID(1), voters: [.init(id: BrokerID(1))], grantingVoters: [])),
                timestamp: Timestamp(2))
            builder.append(
                .voters([
                    QuorumVoter(
                        id: BrokerID(1), directoryID: .clusterMetadata,
                        endpoints: [.init(name: "C", host: "localhost", port: 9093)],
                        kraftVersions: 0...1)
                ]), timestamp: Timestamp(3))
        } else {
            for number in 0..<12 {
                builder.append(
                    timestamp: Timestamp(1_700_000_000_000 + Int64(number)),
                    key: number % 3 == 0 ? nil : Bytes("key \(number)"),
                    value: number % 5 == 0 ? nil : Bytes("the value of record \(number)"),
                    headers: number % 4 == 0 ? [RecordHeader("h", nil)] : [])
            }
        }
        return (try? builder.build()) ?? .empty
    }

    // MARK: Codecs

    /// Contents of several kinds, the same in every run.
    private static let contents: [Bytes] = {
        var random = SeededRandom(seed: 7)
        let words = (0..<40).map { _ in "word\(random.below(1000))" }
        let text = (0..<400).map { _ in words[random.below(words.count)] }.joined(separator: " ")
        let noise = (0..<300).map { _ in UInt8(random.below(256)) }
        return [
            .empty, Bytes("a"), Bytes(text), Bytes(noise),
            Bytes([UInt8](repeating: 0, count: 40_000)),
        ]
    }()

    private static func decoder(_ codec: Compression) -> FuzzTarget {
        FuzzTarget(
            name: "codecs/\(codec)", about: "decompress \(codec)",
            examples: {
                let levels = codec.levels.map { [$0.lowerBound, 6, 9] } ?? [0]
                return contents.flatMap { content in
                    levels.compactMap { try? codec.compress(content, level: $0) }
                }
            },
            run: { bytes throws(FuzzTarget.Broken) in
                guard let content = try? codec.decompress(bytes, limit: limit) else { return }
                guard content.count <= limit else {
                    throw FuzzTarget.Broken(
                        description: "\(content.count) bytes, at most \(limit) asked for")
                }
            })
    }

    private static let roundTrip = FuzzTarget(
        name: "codecs/round-trip", about: "compress with every codec and decompress again",
        examples: { contents },
        run: { bytes throws(FuzzTarget.Broken) in
            for codec in Compression.allCases {
                for level in [nil, 1, 4] as [Int?] {
                    guard let packed = try? codec.compress(bytes, level: level),
                        let content = try? codec.decompress(packed, limit: bytes.count),
                        content == bytes
                    else {
                        throw FuzzTarget.Broken(
                            description: "\(codec) at level \(level ?? -1) loses content")
                    }
                }
            }
        })
}
