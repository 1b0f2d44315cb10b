package import Primitives

/// The body of a record in the metadata log.
package protocol MetadataRecordBody: VersionedMessage {
    static var recordType: Int16 { get }
}

/// A record's value in the metadata log is: frame version, record type, record version, body; the
/// first three as unsigned varints.
extension MetadataRecord {
    private static var frameVersion: UInt32 { 1 }

    /// Reads a record that fills the rest of the reader.
    ///
    /// A type or version that is not defined throws: to skip it would be to lose state.
    package static func decode(
        from reader: inout ByteReader
    ) throws(DecodeError) -> (record: MetadataRecord, version: Int16) {
        let start = reader.position
        let frame = try reader.readUnsignedVarint()
        guard frame == frameVersion else {
            throw DecodeError(
                .invalid("metadata frame version \(frame); expected \(frameVersion)"), at: start)
        }
        let place = reader.position
        let type = try reader.readUnsignedVarint()
        let version = try reader.readUnsignedVarint()
        guard let version = Int16(exactly: version) else {
            throw DecodeError(.unsupportedVersion(Int(version)), at: place)
        }
        guard let record = try MetadataRecord(recordType: type, from: &reader, version: version)
        else {
            throw DecodeError(.invalid("unknown metadata record type \(type)"), at: place)
        }
        try reader.expectEnd()
        return (record, version)
    }

    package static func decode(
        _ bytes: Bytes
    ) throws(DecodeError) -> (record: MetadataRecord, version: Int16) {
        var reader = ByteReader(bytes)
        return try decode(from: &reader)
    }

    package var recordType: Int16 { type(of: body).recordType }

    /// All versions that are defined for this type of record.
    package var versions: ClosedRange<Int16> { type(of: body).versions }

    /// - Precondition: the record has the version.
    package func encode(into writer: inout ByteWriter, version: Int16) {
        let body = body
        precondition(type(of: body).versions.contains(version), "no such version of the record")
        writer.writeUnsignedVarint(Self.frameVersion)
        writer.writeUnsignedVarint(UInt32(type(of: body).recordType))
        writer.writeUnsignedVarint(UInt32(version))
        body.encode(into: &writer, version: version)
    }

    /// The record's value; the highest version unless another is given.
    package func encoded(version: Int16? = nil) -> Bytes {
        var writer = ByteWriter()
        encode(into: &writer, version: version ?? versions.upperBound)
        return writer.finish()
    }
}
