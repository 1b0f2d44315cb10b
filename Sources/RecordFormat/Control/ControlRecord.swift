package import Primitives

/// A record of a control batch: what brokers and the quorum tell each other in the log.
///
/// The key is a version and a type of two bytes each; the value depends on the type. Values of the
/// quorum carry their version first and end with tagged fields, which are passed over in reading.
package enum ControlRecord: Sendable, Equatable {
    /// The marker that ends a transaction in this partition (KIP-98).
    case endTransaction(TransactionResult, coordinatorEpoch: Int32)
    /// The first record of a quorum leader's reign (KIP-595).
    case leaderChange(LeaderChange)
    /// The first record of a snapshot (KIP-630): when the last record that went into it was
    /// appended.
    case snapshotHeader(lastContainedLogTimestamp: Timestamp)
    /// The last record of a snapshot.
    case snapshotFooter
    /// The version of the quorum's protocol (KIP-853).
    case kraftVersion(Int16)
    /// The quorum's voters (KIP-853).
    case voters([QuorumVoter])
    /// A type that is not known here. Readers pass over it.
    case unknown(type: Int16, value: Bytes?)

    package enum TransactionResult: Sendable, Equatable { case abort, commit }

    private enum Kind {
        static let abort: Int16 = 0
        static let commit: Int16 = 1
        static let leaderChange: Int16 = 2
        static let snapshotHeader: Int16 = 3
        static let snapshotFooter: Int16 = 4
        static let kraftVersion: Int16 = 5
        static let voters: Int16 = 6
    }

    /// The type's number in the key.
    package var type: Int16 {
        switch self {
        case .endTransaction(.abort, _): Kind.abort
        case .endTransaction(.commit, _): Kind.commit
        case .leaderChange: Kind.leaderChange
        case .snapshotHeader: Kind.snapshotHeader
        case .snapshotFooter: Kind.snapshotFooter
        case .kraftVersion: Kind.kraftVersion
        case .voters: Kind.voters
        case .unknown(let type, _): type
        }
    }

    /// Reads a record of a control batch.
    package init(_ record: Record) throws(DecodeError) {
        guard let key = record.key else { throw DecodeError(.unexpectedNull, at: 0) }
        var keyReader = ByteReader(key)
        let keyVersion = try keyReader.readInt16()
        guard keyVersion >= 0 else {
            throw DecodeError(.unsupportedVersion(Int(keyVersion)), at: 0)
        }
        let type = try keyReader.readInt16()
        guard (Kind.abort...Kind.voters).contains(type) else {
            self = .unknown(type: type, value: record.value)
            return
        }
        guard let value = record.value else { throw DecodeError(.unexpectedNull, at: 0) }
        var reader = ByteReader(value)
        let version = try reader.readInt16()
        guard version >= 0 else { throw DecodeError(.unsupportedVersion(Int(version)), at: 0) }
        switch type {
        case Kind.abort, Kind.commit:
            self = .endTransaction(
                type == Kind.commit ? .commit : .abort, coordinatorEpoch: try reader.readInt32())
            return
        case Kind.leaderChange:
            self = .leaderChange(try LeaderChange(from: &reader, version: version))
        case Kind.snapshotHeader:
            self = .snapshotHeader(lastContainedLogTimestamp: Timestamp(try reader.readInt64()))
        case Kind.kraftVersion: self = .kraftVersion(try reader.readInt16())
        case Kind.voters:
            let count = try reader.readCount(compact: true)
            var voters: [QuorumVoter] = []
            for _ in 0..<count { voters.append(try QuorumVoter(from: &reader)) }
            self = .voters(voters)
        default: self = .snapshotFooter
        }
        try reader.skipTaggedFields()
    }

    package var key: Bytes {
        var writer = ByteWriter(capacity: 16)
        writer.write(0 as Int16)
        writer.write(type)
        return writer.finish()
    }

    package var value: Bytes? {
        if case .unknown(_, let value) = self { return value }
        var writer = ByteWriter(capacity: 64)
        if case .leaderChange(let change) = self {
            writer.write(change.version)
        } else {
            writer.write(0 as Int16)
        }
        switch self {
        case .endTransaction(_, let epoch):
            // The only one without tagged fields.
            writer.write(epoch)
            return writer.finish()
        case .leaderChange(let change): change.encode(into: &writer)
        case .snapshotHeader(let timestamp): writer.write(timestamp.rawValue)
        case .kraftVersion(let version): writer.write(version)
        case .voters(let voters):
            writer.write(elementCount: voters.count, compact: true)
            for voter in voters { voter.encode(into: &writer) }
        case .snapshotFooter, .unknown: break
        }
        writer.writeUnsignedVarint(0)
        return writer.finish()
    }
}

extension RecordBatchBuilder {
    /// Adds a control record. The builder must have been made with `isControl`.
    package mutating func append(_ control: ControlRecord, timestamp: Timestamp) {
        append(timestamp: timestamp, key: control.key, value: control.value)
    }
}

extension ByteReader {
    /// Passes over tagged fields (KIP-482), which these records do not use yet.
    mutating func skipTaggedFields() throws(DecodeError) {
        let count = try readUnsignedVarint()
        // Each takes two bytes at least, so a false count ends with the bytes.
        for _ in 0..<count {
            _ = try readUnsignedVarint()
            try skip(Int(try readUnsignedVarint()))
        }
    }
}
