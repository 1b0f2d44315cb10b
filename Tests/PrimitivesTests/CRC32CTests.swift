import Primitives
import Testing

@Suite("CRC-32C")
struct CRC32CTests {
    private static let noise: Bytes = {
        var state: UInt64 = 42
        return Bytes(
            (0..<5003).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 56)
            })
    }()

    @Test("the check word and RFC 3720's samples have their sums")
    func known() {
        #expect(CRC32C.checksum(Bytes("123456789")) == 0xe306_9283)
        #expect(CRC32C.checksum(Bytes.empty) == 0)
        #expect(CRC32C.checksum(Bytes([UInt8](repeating: 0, count: 32))) == 0x8a91_36aa)
        #expect(CRC32C.checksum(Bytes([UInt8](repeating: 0xff, count: 32))) == 0x62a8_ab43)
        #expect(CRC32C.checksum(Bytes((0..<32).map { UInt8($0) })) == 0x46dd_794e)
    }

    @Test("instructions and tables agree for every length up to 5,000, at odd addresses too")
    func agreement() {
        for count in 0...5000 {
            let bytes = Self.noise.slice(count % 3..<count % 3 + count)
            let portable = unsafe bytes.withUnsafeBytes { unsafe CRC32C.portable($0) }
            #expect(CRC32C.checksum(bytes) == portable, "\(count) bytes")
        }
    }

    @Test("a sum taken in two pieces is that of the whole")
    func continuation() {
        let whole = CRC32C.checksum(Self.noise)
        for split in stride(from: 0, through: Self.noise.count, by: 13) {
            let (front, back) = (
                Self.noise.slice(0..<split), Self.noise.slice(split..<Self.noise.count)
            )
            #expect(CRC32C.checksum(back, continuing: CRC32C.checksum(front)) == whole)
            let portable = unsafe back.withUnsafeBytes {
                unsafe CRC32C.portable($0, continuing: CRC32C.checksum(front))
            }
            #expect(portable == whole)
        }
    }
}
