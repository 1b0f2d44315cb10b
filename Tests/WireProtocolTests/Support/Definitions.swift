internal import Primitives
internal import WireProtocol
internal import wiregen

/// The checked-in definitions and generated code of this checkout.
enum Checkout {
    /// The package's folder: four parts above this file.
    static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        .dropLast(4).joined(separator: "/")
    static let wireProtocol = root + "/Sources/WireProtocol"

    static func generator() throws -> Generator {
        try Generator(try textFiles(below: wireProtocol + "/Definitions", suffix: ".wire"))
    }

    /// One message of every definition in every version.
    static func messages() throws -> [VersionedSection] {
        try generator().definitions.flatMap { definition in
            definition.sections.flatMap { section in
                section.versions.map { VersionedSection(section: section, version: Int16($0)) }
            }
        }
    }
}

/// A message in one version.
struct VersionedSection: CustomStringConvertible {
    let section: Section
    let version: Int16

    var description: String { "\(section.swiftName) version \(version)" }

    /// The generated structure for the section.
    func type() throws -> any VersionedMessage.Type {
        guard let type = Self.types[section.swiftName] else {
            throw MissingType(name: section.swiftName)
        }
        return type
    }

    struct MissingType: Error { let name: String }

    private static let types: [String: any VersionedMessage.Type] = {
        var types: [any VersionedMessage.Type] = [
            LeaderChangeMessage.self, SnapshotHeaderRecord.self, SnapshotFooterRecord.self,
            KRaftVersionRecord.self, VotersRecord.self, EndTxnMarker.self,
            DefaultPrincipalData.self, QuorumStateData.self, ConsumerProtocolSubscription.self,
            ConsumerProtocolAssignment.self,
        ]
        for api in APIDescription.all { types += [api.request, api.response] }
        types += metadataTypes + keyedTypes
        return Dictionary(uniqueKeysWithValues: types.map { ("\($0)", $0) })
    }()

    private static let metadataTypes: [any VersionedMessage.Type] = [
        RegisterBrokerRecord.self, UnregisterBrokerRecord.self, TopicRecord.self,
        PartitionRecord.self, ConfigRecord.self, PartitionChangeRecord.self,
        FenceBrokerRecord.self, UnfenceBrokerRecord.self, RemoveTopicRecord.self,
        DelegationTokenRecord.self, UserScramCredentialRecord.self, FeatureLevelRecord.self,
        ClientQuotaRecord.self, ProducerIdsRecord.self, BrokerRegistrationChangeRecord.self,
        AccessControlEntryRecord.self, RemoveAccessControlEntryRecord.self, NoOpRecord.self,
        ZkMigrationStateRecord.self, RemoveUserScramCredentialRecord.self,
        BeginTransactionRecord.self, EndTransactionRecord.self, AbortTransactionRecord.self,
        RemoveDelegationTokenRecord.self, RegisterControllerRecord.self, ClearElrRecord.self,
    ]

    private static let keyedTypes: [any VersionedMessage.Type] = [
        OffsetCommitKey.self, OffsetCommitValue.self, GroupMetadataKey.self,
        GroupMetadataValue.self, ConsumerGroupMetadataKey.self, ConsumerGroupMetadataValue.self,
        ConsumerGroupPartitionMetadataKey.self, ConsumerGroupPartitionMetadataValue.self,
        ConsumerGroupMemberMetadataKey.self, ConsumerGroupMemberMetadataValue.self,
        ConsumerGroupTargetAssignmentMetadataKey.self,
        ConsumerGroupTargetAssignmentMetadataValue.self,
        ConsumerGroupTargetAssignmentMemberKey.self,
        ConsumerGroupTargetAssignmentMemberValue.self,
        ConsumerGroupCurrentMemberAssignmentKey.self,
        ConsumerGroupCurrentMemberAssignmentValue.self, ConsumerGroupRegularExpressionKey.self,
        ConsumerGroupRegularExpressionValue.self, ShareGroupPartitionMetadataKey.self,
        ShareGroupPartitionMetadataValue.self, ShareGroupMemberMetadataKey.self,
        ShareGroupMemberMetadataValue.self, ShareGroupMetadataKey.self,
        ShareGroupMetadataValue.self, ShareGroupTargetAssignmentMetadataKey.self,
        ShareGroupTargetAssignmentMetadataValue.self, ShareGroupTargetAssignmentMemberKey.self,
        ShareGroupTargetAssignmentMemberValue.self, ShareGroupCurrentMemberAssignmentKey.self,
        ShareGroupCurrentMemberAssignmentValue.self, ShareGroupStatePartitionMetadataKey.self,
        ShareGroupStatePartitionMetadataValue.self, TransactionLogKey.self,
        TransactionLogValue.self, ShareSnapshotKey.self, ShareSnapshotValue.self,
        ShareUpdateKey.self, ShareUpdateValue.self,
    ]
}
