internal import Primitives
internal import Testing
internal import WireProtocol

/// Messages with random content, written from the definitions by code of the tests' own.
@Suite struct RoundTripTests {
    /// Reads all of `bytes` as the message.
    private func decode(
        _ message: VersionedSection, _ bytes: [UInt8]
    ) throws -> any VersionedMessage {
        try message.type().init(Bytes(bytes), version: message.version)
    }

    @Test("every message in every version is written again as it was read")
    func everyMessage() throws {
        let messages = try Checkout.messages()
        #expect(messages.count > 500)
        for message in messages {
            for seed in 1...8 as ClosedRange<UInt64> {
                let frame = FrameMaker.frame(of: message, seed: seed)
                do {
                    let again = try decode(message, frame).encoded(version: message.version)
                    #expect(again.array == frame, "\(message), seed \(seed)")
                } catch { Issue.record("\(message), seed \(seed): \(error)") }
            }
        }
    }

    @Test("a message with its initial values can be written and read in every version")
    func initialValues() throws {
        for message in try Checkout.messages() {
            let type = try message.type()
            let bytes = type.init().encoded(version: message.version)
            let again = try type.init(bytes, version: message.version)
            #expect(again.encoded(version: message.version) == bytes, "\(message)")
        }
    }

    @Test("a message cut short at any byte is refused")
    func truncation() throws {
        for message in try Checkout.messages() {
            let frame = FrameMaker.frame(of: message, seed: 99)
            for count in 0..<frame.count {
                #expect(throws: DecodeError.self, "\(message), \(count) of \(frame.count) bytes") {
                    try decode(message, Array(frame.prefix(count)))
                }
            }
        }
    }

    @Test("bytes left over are refused")
    func trailingBytes() throws {
        for message in try Checkout.messages() {
            let frame = FrameMaker.frame(of: message, seed: 5)
            #expect(throws: DecodeError.self, "\(message)") { try decode(message, frame + [0]) }
        }
    }

    @Test("damaged messages are refused or read, and never trap")
    func mutation() throws {
        var numbers = SeededNumbers(seed: 4711)
        for message in try Checkout.messages() {
            for seed in 1...20 as ClosedRange<UInt64> {
                var frame = FrameMaker.frame(of: message, seed: seed)
                if frame.isEmpty { continue }
                for _ in 0..<Int.random(in: 1...4, using: &numbers) {
                    let place = Int.random(in: 0..<frame.count, using: &numbers)
                    let values: [UInt8] = [0, 1, 0x7f, 0x80, 0xfe, 0xff, UInt8(place & 0xff)]
                    frame[place] = values[Int.random(in: 0..<values.count, using: &numbers)]
                }
                // Whatever was read can be written.
                _ = try? decode(message, frame).encoded(version: message.version)
            }
        }
    }

    @Test("a version outside the defined ones is refused")
    func unknownVersion() throws {
        for api in APIDescription.all {
            var reader = ByteReader(.empty)
            #expect(throws: DecodeError.self) {
                try api.request.init(from: &reader, version: api.versions.upperBound + 1)
            }
            #expect(throws: DecodeError.self) {
                try api.response.init(from: &reader, version: api.versions.lowerBound - 1)
            }
        }
    }
}
