package import Primitives

/// A structure of the protocol that can be read and written in every version that has it.
///
/// Fields that a version lacks keep their initial value when read, and are left out when written.
package protocol WireMessage: Sendable {
    /// Kafka's initial values.
    init()
    /// Reads the structure from the front. What the reader hands out shares its memory.
    ///
    /// A message also checks that the version is one of its own; a structure inside it does not.
    init(from reader: inout ByteReader, version: Int16) throws(DecodeError)
    /// Text beyond 32,767 bytes is cut where the version is not flexible.
    ///
    /// - Precondition: the version is one that the message has.
    func encode(into writer: inout ByteWriter, version: Int16)
}

/// A structure that stands on its own, with versions of its own.
package protocol VersionedMessage: WireMessage {
    /// All versions that are defined.
    static var versions: ClosedRange<Int16> { get }
    /// The first version with compact lengths and tagged fields (KIP-482), if any has them.
    static var firstFlexibleVersion: Int16? { get }
}

package protocol RequestMessage: VersionedMessage {
    associatedtype Response: ResponseMessage
    static var apiKey: APIKey { get }
}

package protocol ResponseMessage: VersionedMessage {
    static var apiKey: APIKey { get }
    /// Shows every error code that goes over the wire in the version, NONE too: that of the whole
    /// and those of the parts, but for codes in tagged fields, which stand beside another.
    func forEachErrorCode(version: Int16, _ visit: (Int16) -> Void)
}

extension ResponseMessage {
    /// Of a response without error codes.
    package func forEachErrorCode(version: Int16, _ visit: (Int16) -> Void) {}
}

extension VersionedMessage {
    /// Reads a message that fills all of `bytes`.
    package init(_ bytes: Bytes, version: Int16) throws(DecodeError) {
        var reader = ByteReader(bytes)
        try self.init(from: &reader, version: version)
        try reader.expectEnd()
    }

    /// The message in memory of its own; not for one that holds a piece of a file.
    package func encoded(version: Int16) -> Bytes {
        var writer = ByteWriter()
        encode(into: &writer, version: version)
        return writer.finish()
    }

    /// Reads a message that stands behind its version in two bytes: values in the coordinators'
    /// topics, what clients of a classic group exchange, principals in an Envelope.
    package init(versionPrefixed bytes: Bytes) throws(DecodeError) {
        var reader = ByteReader(bytes)
        let version = try reader.readInt16()
        try self.init(from: &reader, version: version)
        try reader.expectEnd()
    }

    /// The message behind its version in two bytes.
    ///
    /// - Precondition: the message has the version.
    package func versionPrefixed(_ version: Int16) -> Bytes {
        precondition(Self.versions.contains(version), "no such version of the message")
        var writer = ByteWriter()
        writer.write(version)
        encode(into: &writer, version: version)
        return writer.finish()
    }

    package static func isFlexible(_ version: Int16) -> Bool {
        firstFlexibleVersion.map { version >= $0 } ?? false
    }
}

extension ByteReader {
    /// Throws unless the message has the version.
    func check(_ version: Int16, in versions: ClosedRange<Int16>) throws(DecodeError) {
        if !versions.contains(version) {
            throw DecodeError(.unsupportedVersion(Int(version)), at: position)
        }
    }
}
