internal import Primitives
internal import WireProtocol

/// Who may touch the group's offsets.
extension ConsumerGroup {
    /// Throws unless the member may store offsets, at exactly its epoch: whoever is not up to date
    /// may no longer have the partition.
    ///
    /// - Parameter version: of OffsetCommit; nil for one within a transaction.
    func checkCommit(member: String, epoch: Int32, version: Int16?) throws(Refusal) {
        // Tools, and consumers that assign partitions to themselves.
        if epoch < 0 && isEmpty { return }
        guard let known = image.members[member] else { throw .noMember(member, group: id) }
        if let version, version < 9, !known.isClassic {
            throw Refusal(
                .unsupportedVersion,
                "OffsetCommit version 9 or above must be used by members using the modern group "
                    + "protocol.")
        }
        try check(epoch, of: known)
    }

    /// Throws unless the member may read offsets; without a member anyone may.
    func checkFetch(member: String?, epoch: Int32) throws(Refusal) {
        guard let member else {
            if epoch < 0 { return }
            throw .noMember("", group: id)
        }
        if member.isEmpty && epoch < 0 { return }
        guard let known = image.members[member] else { throw .noMember(member, group: id) }
        try check(epoch, of: known)
    }

    private func check(_ epoch: Int32, of member: ConsumerMember) throws(Refusal) {
        let ours = member.standing.epoch
        if epoch == ours.rawValue { return }
        if member.isClassic {
            throw Refusal(
                .illegalGeneration,
                "The received generation id \(epoch) does not match the expected member epoch "
                    + "\(ours).")
        }
        throw Refusal(
            .staleMemberEpoch,
            "The received member epoch \(epoch) does not match the expected member epoch \(ours).")
    }

    func isSubscribed(to topic: String) -> Bool {
        image.isRead(topic)
    }

    /// Offsets of topics that are read stay. The others' retention counts from their commit.
    func retentionStart(of offset: CommittedOffset, topic: String) -> Timestamp? {
        isSubscribed(to: topic) ? nil : offset.committed
    }
}
