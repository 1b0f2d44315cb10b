import Primitives
import Testing

@testable import RecordFormat

@Suite("Compression")
struct CompressionTests {
    static let codecs = Compression.allCases

    @Test("what is compressed comes back, whatever its size and kind", arguments: codecs)
    func roundTrip(codec: Compression) throws {
        var random = SplitMix(seed: 1)
        for size in [
            0, 1, 2, 3, 4, 5, 15, 60, 61, 64, 257, 300, 4096, 32767, 32768, 32769, 100_000,
        ] {
            let contents = [
                Bytes([UInt8](repeating: 7, count: size)), random.noise(size), random.text(size),
            ]
            for content in contents {
                let packed = try codec.compress(content)
                #expect(try codec.decompress(packed, limit: size) == content, "\(size) bytes")
            }
        }
    }

    @Test("a megabyte of text comes back smaller at every level", arguments: codecs)
    func text(codec: Compression) throws {
        var random = SplitMix(seed: 2)
        let content = random.text(1 << 20)
        let levels: [Int?] =
            codec == .zstd
            ? [nil, -5, 1, 6] : [nil] + (codec.levels.map { [$0.lowerBound, 6, 9] } ?? [])
        for level in levels {
            let packed = try codec.compress(content, level: level)
            if codec != .none { #expect(packed.count < content.count * 7 / 10) }
            #expect(try codec.decompress(packed, limit: content.count) == content)
        }
    }

    @Test("noise grows by little", arguments: codecs)
    func noise(codec: Compression) throws {
        var random = SplitMix(seed: 3)
        let content = random.noise(300_000)
        let packed = try codec.compress(content)
        #expect(packed.count < content.count + 200)
        #expect(try codec.decompress(packed, limit: content.count) == content)
    }

    @Test("content beyond the limit is refused", arguments: codecs)
    func limit(codec: Compression) throws {
        let content = Bytes([UInt8](repeating: 0, count: 1_000_000))
        let packed = try codec.compress(content)
        for limit in [0, 1, 1000, 65536, 999_999] {
            #expect(throws: CompressionError.exceedsLimit(codec, limit: limit)) {
                try codec.decompress(packed, limit: limit)
            }
        }
        #expect(try codec.decompress(packed, limit: 1_000_000).count == 1_000_000)
    }

    @Test("every cut of compressed content is refused", arguments: codecs.dropFirst())
    func truncation(codec: Compression) throws {
        var random = SplitMix(seed: 4)
        let packed = try codec.compress(random.text(3000))
        for end in 0..<packed.count {
            // A frame of snappy blocks that ends between two of them cannot be told from a whole
            // one.
            if codec == .snappy, end == 16 { continue }
            #expect(throws: CompressionError.self, "cut at \(end)") {
                try codec.decompress(packed.slice(0..<end), limit: 1 << 20)
            }
        }
    }

    @Test("damaged content is refused or read, but never traps", arguments: codecs.dropFirst())
    func mutation(codec: Compression) throws {
        var random = SplitMix(seed: 5)
        let contents = [
            random.text(2000), random.noise(300), Bytes([UInt8](repeating: 1, count: 5000)),
        ]
        for content in contents {
            let packed = try codec.compress(content).array
            for _ in 0..<1500 {
                var damaged = packed
                for _ in 0...random.below(3) {
                    damaged[random.below(damaged.count)] = UInt8(random.below(256))
                }
                if random.below(4) == 0 { damaged.removeLast(random.below(damaged.count)) }
                let content = try? codec.decompress(Bytes(damaged), limit: 20_000)
                #expect((content?.count ?? 0) <= 20_000)
            }
        }
    }

    @Test("names and numbers are Kafka's")
    func names() {
        #expect(
            Compression.allCases.map(\.description) == ["none", "gzip", "snappy", "lz4", "zstd"])
        #expect(Compression(name: "zstd") == .zstd)
        #expect(Compression(name: "brotli") == nil)
        #expect(Compression(rawValue: 5) == nil)
    }
}
