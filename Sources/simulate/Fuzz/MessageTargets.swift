internal import Primitives
internal import Simulation
internal import WireProtocol

/// Targets in `WireProtocol`: every message and record that is defined, and requests with their
/// header.
///
/// What could be read is written, read again and written again: both writings must be the same. The
/// first may differ from the input, for a number can be written in more than one way.
enum MessageTargets {
    static let all: [FuzzTarget] = [messages, requests]

    // MARK: Messages

    /// An input: which type, which of its versions, each modulo how many there are; then the body.
    private static let messages = FuzzTarget(
        name: "frames/messages", about: "read every message and record in every version",
        examples: {
            AllMessages.types.enumerated().flatMap { number, entry in
                let versions = entry.type.versions
                let ends = versions.count == 1 ? [0] : [0, versions.count - 1]
                return ends.map { place in
                    let version = versions.lowerBound + Int16(place)
                    return Bytes(
                        [UInt8(number), UInt8(place)] + body(entry.type, version, number).array)
                }
            }
        },
        run: { bytes throws(FuzzTarget.Broken) in
            guard bytes.count >= 2 else { return }
            let entry = AllMessages.types[Int(bytes[0]) % AllMessages.types.count]
            let versions = entry.type.versions
            let version = versions.lowerBound + Int16(Int(bytes[1]) % versions.count)
            guard let message = try? entry.type.init(bytes.slice(2..<bytes.count), version: version)
            else { return }
            let encoding = message.encoded(version: version)
            guard let again = try? entry.type.init(encoding, version: version),
                again.encoded(version: version) == encoding
            else {
                throw FuzzTarget.Broken(
                    description: "\(entry.name) version \(version) is not read as it was written")
            }
        })

    // MARK: Requests

    private static let requests = FuzzTarget(
        name: "frames/requests", about: "read request frames, header and body, as the broker does",
        examples: {
            APIDescription.all.enumerated().flatMap { number, api in
                Set([api.versions.lowerBound, api.versions.upperBound]).sorted().map { version in
                    let body = body(api.request, version, number)
                    let header = RequestHeader(
                        apiKey: api.key, apiVersion: version, correlationId: 7, clientId: "fuzz")
                    return frame(header) { $0.write(raw: body) }
                }
            }
        },
        run: { bytes throws(FuzzTarget.Broken) in
            guard let once = rewritten(bytes) else { return }
            guard rewritten(once) == once else {
                throw FuzzTarget.Broken(description: "a request is not read as it was written")
            }
        })

    /// The frame as we write it; nil when it is not one.
    private static func rewritten(_ bytes: Bytes) -> Bytes? {
        var reader = ByteReader(bytes)
        guard let header = try? RequestHeader(from: &reader), let api = header.apiKey.api,
            let body = try? api.request.init(from: &reader, version: header.apiVersion)
        else { return nil }
        return frame(header) { body.encode(into: &$0, version: header.apiVersion) }
    }

    private static func frame(_ header: RequestHeader, body: (inout ByteWriter) -> Void) -> Bytes {
        var writer = ByteWriter()
        header.encode(into: &writer)
        body(&writer)
        return writer.finish()
    }

    // MARK: Examples

    private static let attempts = 60
    private static let sizeLimit = 600

    /// A message with as much in it as could be found: the longest of those that reading small
    /// numbers as one brings about.
    private static func body(
        _ type: any VersionedMessage.Type, _ version: Int16, _ number: Int
    ) -> Bytes {
        var random = SeededRandom(seed: UInt64(number) << 16 | UInt64(UInt16(bitPattern: version)))
        var best = type.init().encoded(version: version)
        for attempt in 0..<attempts {
            // From mostly zeros, for fixed lengths, to mostly ones and twos, for varints.
            let rarity = 2 + attempt % 6
            let noise = (0..<sizeLimit).map { _ -> UInt8 in
                random.chance(rarity) ? UInt8(1 + random.below(4)) : 0
            }
            var reader = ByteReader(Bytes(noise))
            guard let found = try? type.init(from: &reader, version: version) else { continue }
            let encoding = found.encoded(version: version)
            if encoding.count > best.count, encoding.count <= sizeLimit { best = encoding }
        }
        return best
    }
}
