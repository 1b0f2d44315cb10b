package import Primitives

/// Who leads the quorum in a new epoch, and who the voters are (KIP-595, KIP-853).
package struct LeaderChange: Sendable, Equatable {
    package struct Voter: Sendable, Equatable {
        package var id: BrokerID
        /// Only in version 1; zero in version 0.
        package var directoryID: UUID128

        package init(id: BrokerID, directoryID: UUID128 = .zero) {
            self.id = id
            self.directoryID = directoryID
        }
    }

    /// 0, or 1 with directory ids.
    package var version: Int16
    package var leader: BrokerID
    package var voters: [Voter]
    package var grantingVoters: [Voter]

    package init(
        version: Int16 = 0, leader: BrokerID, voters: [Voter], grantingVoters: [Voter]
    ) {
        self.version = version
        self.leader = leader
        self.voters = voters
        self.grantingVoters = grantingVoters
    }

    init(from reader: inout ByteReader, version: Int16) throws(DecodeError) {
        self.version = version
        leader = BrokerID(try reader.readInt32())
        voters = try Self.readVoters(&reader, version: version)
        grantingVoters = try Self.readVoters(&reader, version: version)
    }

    private static func readVoters(
        _ reader: inout ByteReader, version: Int16
    ) throws(DecodeError) -> [Voter] {
        var voters: [Voter] = []
        for _ in 0..<(try reader.readCount(compact: true)) {
            let id = BrokerID(try reader.readInt32())
            voters.append(Voter(id: id, directoryID: version >= 1 ? try reader.readUUID() : .zero))
            try reader.skipTaggedFields()
        }
        return voters
    }

    func encode(into writer: inout ByteWriter) {
        writer.write(leader.rawValue)
        for list in [voters, grantingVoters] {
            writer.write(elementCount: list.count, compact: true)
            for voter in list {
                writer.write(voter.id.rawValue)
                if version >= 1 { writer.write(voter.directoryID) }
                writer.writeUnsignedVarint(0)
            }
        }
    }
}

/// A voter of the quorum as the log records it (KIP-853).
package struct QuorumVoter: Sendable, Equatable {
    package struct Endpoint: Sendable, Equatable {
        package var name: String
        package var host: String
        package var port: UInt16

        package init(name: String, host: String, port: UInt16) {
            self.name = name
            self.host = host
            self.port = port
        }
    }

    package var id: BrokerID
    package var directoryID: UUID128
    package var endpoints: [Endpoint]
    package var kraftVersions: ClosedRange<Int16>

    package init(
        id: BrokerID, directoryID: UUID128, endpoints: [Endpoint],
        kraftVersions: ClosedRange<Int16>
    ) {
        self.id = id
        self.directoryID = directoryID
        self.endpoints = endpoints
        self.kraftVersions = kraftVersions
    }

    init(from reader: inout ByteReader) throws(DecodeError) {
        id = BrokerID(try reader.readInt32())
        directoryID = try reader.readUUID()
        endpoints = []
        for _ in 0..<(try reader.readCount(compact: true)) {
            let name = try reader.readString(compact: true)
            let host = try reader.readString(compact: true)
            endpoints.append(
                Endpoint(name: name, host: host, port: try reader.readUInt16()))
            try reader.skipTaggedFields()
        }
        let start = reader.position
        let lowest = try reader.readInt16()
        let highest = try reader.readInt16()
        guard lowest <= highest else {
            throw DecodeError(.invalid("versions from \(lowest) to \(highest)"), at: start)
        }
        kraftVersions = lowest...highest
        try reader.skipTaggedFields()
        try reader.skipTaggedFields()
    }

    func encode(into writer: inout ByteWriter) {
        writer.write(id.rawValue)
        writer.write(directoryID)
        writer.write(elementCount: endpoints.count, compact: true)
        for endpoint in endpoints {
            writer.write(string: endpoint.name, compact: true)
            writer.write(string: endpoint.host, compact: true)
            writer.write(endpoint.port)
            writer.writeUnsignedVarint(0)
        }
        writer.write(kraftVersions.lowerBound)
        writer.write(kraftVersions.upperBound)
        // The end of the range's tagged fields, and of the voter's.
        writer.writeUnsignedVarint(0)
        writer.writeUnsignedVarint(0)
    }
}
