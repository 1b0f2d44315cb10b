import Primitives
import Testing

@testable import RecordFormat

/// Bytes that other programs wrote: Python's zlib, the lz4 and zstd tools, and the snappy crate.
@Suite("Foreign compressed content")
struct CompressionVectorTests {
    private let line = "apus apus apus: the swift flies, the swift sleeps, the swift flies on. "
    private var text: Bytes { Bytes(line + line + line + line) }

    private let gzip = """
        1f8b08000000000002034b2c282d56488411560a2519a90ac5e59969250a693999a9c53a4802c539a9a9052822
        60250af9797a0813869331003c23edb51c010000
        """
    private let fixedDeflate = """
        4b2c282d56488411560a2519a90ac5e59969250a693999a9c53a4802c539a9a905282260250af9797a08138693
        3100
        """
    private let storedWithAllFields = """
        1f8b081e000000000003030078797a6e616d6500636f6d6d656e7400a4bb014700b8ff61707573206170757320
        617075733a2074686520737769667420666c6965732c2074686520737769667420736c656570732c2074686520
        737769667420666c696573206f6e2e20e1545d2e47000000
        """
    private let lz4 = """
        04224d186440a73d0000005561707573200500f7033a2074686520737769667420666c6965732c110059736c65
        6570120001230046206f6e2e4200010a000f4700af50206f6e2e2000000000ee11b0ef
        """
    private let zstd = """
        28b52ffd0458b50100040261707573203a2074686520737769667420666c6965732c736c656570206f6e2e0700
        442510b41a280224a30450f368344d4051dee0c8ed3a
        """
    private let snappyRaw = """
        9c021061707573201505443a2074686520737769667420666c6965732c1d1110736c65657032120005230c206f
        6e2e1942050afe4700fe4700fe47000d47
        """
    private let snappyFramed = """
        82534e4150505900000000010000000100000042641061707573201505443a2074686520737769667420666c69
        65732c1d1110736c65657032120005230c206f6e2e1942050a383a2074686520737769667420666c690000003a
        b8014c65732c2074686520737769667420736c656570732e120034666c696573206f6e2e20617075731905003a
        1d3605242e3500fe47008a4700
        """

    @Test("each is read")
    func read() throws {
        for (codec, sample) in [
            (Compression.gzip, gzip), (.snappy, snappyRaw), (.snappy, snappyFramed), (.lz4, lz4),
            (.zstd, zstd),
        ] {
            #expect(try codec.decompress(Bytes(hex: sample), limit: 284) == text, "\(codec)")
        }
    }

    @Test("gzip with every optional field around a stored block is read")
    func gzipFields() throws {
        let content = try Compression.gzip.decompress(Bytes(hex: storedWithAllFields), limit: 71)
        #expect(content == Bytes(line))
        var damaged = Bytes(hex: storedWithAllFields).array
        damaged[12] ^= 1
        #expect(throws: CompressionError.corrupt(.gzip, "the header's checksum does not match")) {
            try Compression.gzip.decompress(Bytes(damaged), limit: 71)
        }
    }

    @Test("a deflate block with the fixed codes is read")
    func fixed() throws {
        var output = CappedOutput(codec: .gzip, expecting: 0, limit: 284)
        let stream = Bytes(hex: fixedDeflate)
        let end = try unsafe stream.withUnsafeBytes { input throws(CompressionError) in
            var inflater = unsafe Inflater(input, from: 0)
            return try inflater.inflate(into: &output)
        }
        #expect(end == stream.count)
        #expect(output.finish() == text)
    }

    @Test("several members and frames one after another are read as one")
    func concatenated() throws {
        for (codec, sample) in [(Compression.gzip, gzip), (.lz4, lz4), (.zstd, zstd)] {
            let twice = Bytes(Bytes(hex: sample).array + Bytes(hex: sample).array)
            #expect(try codec.decompress(twice, limit: 568).array == text.array + text.array)
        }
    }

    @Test("a wrong checksum or size behind a gzip member is refused")
    func gzipTrailer() {
        for (place, reason) in [(8, "CRC-32 does not match"), (1, "content's size does not match")]
        {
            var damaged = Bytes(hex: gzip).array
            damaged[damaged.count - place] ^= 0x80
            #expect(throws: CompressionError.corrupt(.gzip, reason)) {
                try Compression.gzip.decompress(Bytes(damaged), limit: 1000)
            }
        }
    }

    @Test("a size that lies reserves nothing and is refused")
    func lyingSizes() throws {
        let samples: [(Compression, String)] = [
            // Snappy: four gigabytes less one in a block of seven bytes, raw and framed.
            (.snappy, "ffffffff0f 0061"),
            (.snappy, "82534e41505059000000000100000001 00000007 ffffffff0f 0061"),
            // A frame's block of two gigabytes, and one of a negative length.
            (.snappy, "82534e41505059000000000100000001 7fffffff 0061"),
            (.snappy, "82534e41505059000000000100000001 ffffffff 0061"),
            // zstd: a single-segment frame of 2^60 bytes, then a raw block of one.
            (.zstd, "28b52ffd e0 0000000000000010 09000061"),
            // zstd: a streaming frame with a window of 3.75 TiB.
            (.zstd, "28b52ffd 00 ff 09000061"),
            // LZ4: a frame that claims 2^60 bytes of content (its head's checksum is wrong as
            // well).
            (.lz4, "04224d18 6c40 0000000000000010 00 01000080 61 00000000"),
            // gzip: a trailer that claims four gigabytes.
            (.gzip, "1f8b0800000000000203 4b0400 43beb7e8 ffffffff"),
        ]
        for (codec, sample) in samples {
            #expect(throws: CompressionError.self, "\(codec) \(sample)") {
                try codec.decompress(Bytes(hex: sample), limit: 1 << 30)
            }
        }
    }

    @Test("CRC-32 of the check word is as everywhere")
    func crc32() {
        let sum = unsafe Bytes("123456789").withUnsafeBytes { unsafe CRC32.checksum($0) }
        #expect(sum == 0xcbf4_3926)
    }

    @Test(
        "a Huffman code of a skewed alphabet keeps to its limit and is complete",
        arguments: [7, 15])
    func limitedCodes(limit: Int) {
        // Fibonacci numbers make the deepest trees.
        var uses: [UInt32] = [1, 1]
        while uses.count < 19 * limit / 7 {
            uses.append(uses[uses.count - 1] &+ uses[uses.count - 2])
        }
        let lengths = HuffmanCode.lengths(of: uses, limit: limit)
        #expect(lengths.max() == UInt8(limit))
        #expect(lengths.reduce(0) { $0 + 1 << (limit - Int($1)) } == 1 << limit)
        #expect(HuffmanDecoder(lengths: lengths[...], allowsSingle: false) != nil)
    }
}
