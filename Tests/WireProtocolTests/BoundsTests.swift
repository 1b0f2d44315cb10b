internal import Primitives
internal import Testing
internal import WireProtocol

@Suite struct BoundsTests {
    @Test("a count beyond what is left is refused before anything is reserved for it")
    func countTooLarge() {
        // Metadata version 0: the number of topics, and nothing after it.
        #expect(throws: DecodeError(.countTooLarge(0x7fff_ffff, available: 0), at: 0)) {
            try MetadataRequest(Bytes([0x7f, 0xff, 0xff, 0xff]), version: 0)
        }
    }

    @Test("an array of integers longer than what is left is refused at once")
    func integersTooMany() {
        // ListConfigResources has one-byte elements; DescribeProducers four-byte ones.
        let body: [UInt8] = [2, 1, 9] + [UInt8](repeating: 0, count: 9)
        #expect(throws: DecodeError(.truncated(needed: 32, available: 9), at: 3)) {
            try DescribeProducersRequest(Bytes(body), version: 0)
        }
    }

    @Test("null where the version has no null is refused")
    func unexpectedNull() {
        #expect(throws: DecodeError(.unexpectedNull, at: 0)) {
            try MetadataRequest(Bytes([0xff, 0xff, 0xff, 0xff]), version: 0)
        }
        #expect(throws: Never.self) {
            try MetadataRequest(Bytes([0xff, 0xff, 0xff, 0xff]), version: 1)
        }
    }

    @Test("text that is not UTF-8 is refused")
    func invalidText() {
        #expect(throws: DecodeError(.invalidUTF8, at: 2)) {
            try SaslHandshakeRequest(Bytes([0, 1, 0xff]), version: 0)
        }
    }

    @Test("null in a version without null goes out as empty")
    func nullOut() {
        var request = MetadataRequest()
        request.topics = nil
        #expect(request.encoded(version: 0).array == [0, 0, 0, 0])
        #expect(request.encoded(version: 1).array == [0xff, 0xff, 0xff, 0xff])
    }
}
