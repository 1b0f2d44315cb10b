package import Primitives
package import WireProtocol

/// Metadata records to and from the values of the records in `__cluster_metadata`.
///
/// A value is framed: frame version 1, api key of the record, version of the record (each an
/// unsigned varint), body. Keys are null. Batches and files are others' business.
package enum MetadataLogCodec {
    /// The values for `records`, each in the version that nodes at `version` write.
    package static func encode(
        _ records: [MetadataRecord], at version: MetadataVersion
    ) -> [Bytes] {
        records.map { $0.encoded(version: version.version(of: $0)) }
    }

    /// The record in `value`, which lies at `offset`.
    package static func decode(
        _ value: Bytes?, at offset: Offset
    ) throws(MetadataDecodeError) -> MetadataRecord {
        guard let value else {
            throw MetadataDecodeError(
                offset: offset, problem: DecodeError(.unexpectedNull, at: 0))
        }
        do throws(DecodeError) {
            return try MetadataRecord.decode(value).record
        } catch {
            throw MetadataDecodeError(offset: offset, problem: error)
        }
    }
}

/// A record in the metadata log that cannot be read.
package struct MetadataDecodeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where in the log the record lies.
    package let offset: Offset
    package let problem: DecodeError

    package var description: String { "metadata record at offset \(offset): \(problem)" }
}

extension MetadataVersion {
    /// The version in which nodes at this level write `record`.
    func version(of record: MetadataRecord) -> Int16 {
        switch record {
        case .registerBroker:
            if recordsDirectories { 3 } else { self >= .withMigration ? 2 : 1 }
        case .partition, .partitionChange:
            if self >= .withEligibleLeaders { 2 } else { recordsDirectories ? 1 : 0 }
        // As low as its content allows, so that older nodes read what concerns them.
        case .brokerRegistrationChange(let change):
            if !change.logDirs.isEmpty { 2 } else { change.inControlledShutdown == 0 ? 0 : 1 }
        default: 0
        }
    }
}
