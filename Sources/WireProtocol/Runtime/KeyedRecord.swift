package import Primitives

/// The key of a record in a coordinator's topic. Its layout never changes; a new one would get a
/// new type.
package protocol KeyedRecordKey: VersionedMessage {
    /// What the key starts with.
    static var recordType: Int16 { get }
}

/// A record in a coordinator's topic (`__consumer_offsets`, `__transaction_state`,
/// `__share_group_state`).
///
/// The key is its type in two bytes and then the fields; the value is its version in two bytes and
/// then the fields, or null for a tombstone.
package protocol KeyedRecord: Sendable {
    /// Reads key and value of a record of the type; nil for an unknown type.
    init?(recordType: Int16, key: inout ByteReader, value: Bytes?) throws(DecodeError)
    var key: any KeyedRecordKey { get }
    /// nil for a tombstone.
    var value: (any VersionedMessage)? { get }
}

extension KeyedRecord {
    /// Reads a record; nil when its type is not known, which is not an error: a later release
    /// may have written it.
    package init?(key: Bytes, value: Bytes?) throws(DecodeError) {
        var reader = ByteReader(key)
        let type = try reader.readInt16()
        try self.init(recordType: type, key: &reader, value: value)
        try reader.expectEnd()
    }

    static func read<Value: VersionedMessage>(_ value: Bytes?) throws(DecodeError) -> Value? {
        guard let value else { return nil }
        return try Value(versionPrefixed: value)
    }

    package func encodedKey() -> Bytes {
        let key = key
        var writer = ByteWriter()
        writer.write(type(of: key).recordType)
        key.encode(into: &writer, version: 0)
        return writer.finish()
    }

    /// The value, or nil for a tombstone.
    ///
    /// - Precondition: the value has the version.
    package func encodedValue(version: Int16) -> Bytes? {
        value?.versionPrefixed(version)
    }
}
