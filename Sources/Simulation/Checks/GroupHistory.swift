internal import Primitives

/// What a group's members were told: who owns what, and how far the group has read.
///
/// What was answered holds until the power fails, and beyond where the offsets topic acknowledges
/// after the flush. A member is known by its instance id where it has one: whoever takes its place
/// takes its partitions.
final class GroupHistory {
    /// What a member knew when it sent a commit: by that its acknowledgement is judged.
    struct SentCommit {
        let member: String
        let generation: Int32
        fileprivate let latestGeneration: Int32
        fileprivate let known: Known
        fileprivate let rivals: [TopicPartition: String]
    }

    /// How far the group had read, as far as was known at one moment.
    struct Known {
        fileprivate let era: Int
        fileprivate let committed: [TopicPartition: Int64]
        fileprivate let restarts: [TopicPartition: Int]
    }

    let name: String
    let topics: [SimulatedTopic]
    /// It has members of both protocols: then each has an epoch of its own.
    private let isMixed: Bool
    private let survivesPowerLoss: Bool
    private let judge: Judge
    /// By the classic protocol, where a leader shares out, generation by generation.
    private var generations = GenerationOwners()
    private var holds = PartitionHolds()
    /// The highest acknowledged.
    private var committed: [TopicPartition: Int64] = [:]
    /// All that members ever asked to commit.
    private var sent: [TopicPartition: Set<Int64>] = [:]
    /// How often a partition was begun anew.
    private var restarts: [TopicPartition: Int] = [:]
    /// Behind the last record that a member has processed, with all before it.
    private var processed: [TopicPartition: Int64] = [:]
    /// Partitions that a leader has shared out last (classic protocol).
    var sharedOut: Int?
    /// Counts losses of power that took what was answered.
    private(set) var era = 0

    init(
        _ name: String, of topics: [SimulatedTopic], isMixed: Bool = false,
        survivesPowerLoss: Bool, judge: Judge
    ) {
        self.name = name
        self.topics = topics
        self.isMixed = isMixed
        self.survivesPowerLoss = survivesPowerLoss
        self.judge = judge
    }

    /// Of all its topics.
    var partitions: [TopicPartition] { partitions(of: { _ in true }) }

    private func partitions(of isWanted: (String) -> Bool) -> [TopicPartition] {
        topics.filter { isWanted($0.name) }.flatMap { topic in
            (0..<topic.count).map {
                TopicPartition(topic: topic.name, partition: PartitionIndex(Int32($0)))
            }
        }
    }

    func history(of partition: TopicPartition) -> PartitionHistory? {
        guard let topic = topics.first(where: { $0.name == partition.topic }) else { return nil }
        let index = Int(partition.partition.rawValue)
        return (0..<topic.mostCount).contains(index) ? topic.histories[index] : nil
    }

    func powerLost() {
        if survivesPowerLoss { return }
        era += 1
        generations = GenerationOwners()
        holds = PartitionHolds()
        committed = [:]
        // What a leader finds shared out when it comes back may be what an earlier one did.
        if sharedOut != nil { sharedOut = 0 }
    }

    // MARK: Who owns what

    /// A member got its share of a generation (classic protocol).
    func assigned(_ partitions: [TopicPartition], to member: String, generation: Int32) {
        if isMixed { return }
        for (partition, other) in generations.assign(partitions, to: member, generation) {
            judge.accuse(
                "\(name): \(partition) belongs to \(other) and to \(member) in generation "
                    + "\(generation)")
        }
    }

    /// A member has what it was given.
    ///
    /// - Parameter until: before then nobody else may get it, unless the member gives it up.
    func holds(
        _ partitions: [TopicPartition], by member: String, until: MonotonicTime, now: MonotonicTime
    ) {
        for (partition, other) in holds.give(partitions, to: member, until: until, now: now) {
            judge.accuse("\(name): \(partition) was given to \(member), and \(other) still has it")
        }
    }

    /// A member says, or has said by leaving, that it has nothing but `kept` any more.
    func givesUp(allBut kept: [TopicPartition], by member: String) {
        holds.release(allBut: kept, by: member)
    }

    /// The members agree on a generation, each partition of what they want to read has one owner,
    /// and all of it is read and committed to the end.
    func isSettled(_ members: [any GroupMember]) -> Bool {
        let generation = members.first?.credentials?.generation
        let isEachAtEnd = members.allSatisfy { member in
            member.isAtEnd && member.credentials?.generation == generation
                && member.reading.owned.allSatisfy { member.wanted.contains($0.topic) }
        }
        let wanted = partitions(of: { topic in members.contains { $0.wanted.contains(topic) } })
        return isEachAtEnd && members.flatMap(\.reading.owned).sorted() == wanted.sorted()
    }

    // MARK: How far it has read

    var known: Known { Known(era: era, committed: committed, restarts: restarts) }

    /// What was known then still counts.
    private func isCurrent(_ known: Known, _ partition: TopicPartition) -> Bool {
        known.era == era && known.restarts[partition] == restarts[partition]
    }

    /// A member is about to send a commit.
    func sending(
        _ offsets: [(TopicPartition, Int64)], of member: String, generation: Int32
    ) -> SentCommit {
        for (partition, offset) in offsets { sent[partition, default: []].insert(offset) }
        return SentCommit(
            member: member, generation: generation, latestGeneration: generations.latest,
            known: known,
            rivals: holds.lastGiven.filter { $0.value != member })
    }

    /// A commit was acknowledged, whatever has become of the member meanwhile.
    func acknowledged(_ partition: TopicPartition, offset: Int64, _ sent: SentCommit) {
        if sent.known.era != era { return }
        judge.require(
            sent.generation >= sent.latestGeneration,
            "\(name): a fenced member's commit is accepted: \(sent.member) is in generation "
                + "\(sent.generation), the group was in generation \(sent.latestGeneration)")
        judge.require(
            sent.rivals[partition] == nil,
            "\(name): a fenced member's commit is accepted: \(sent.member) commits \(partition), "
                + "which was given to \(sent.rivals[partition] ?? "")")
        guard isCurrent(sent.known, partition) else { return }
        let known = sent.known.committed[partition] ?? -1
        judge.require(
            offset >= known,
            "\(name): \(sent.member) commits \(offset) of \(partition) behind \(known)")
        committed[partition] = max(committed[partition] ?? -1, offset)
    }

    /// A member was told where to start: nothing was committed where the offset is below 0.
    ///
    /// - Parameter asked: what was known when it asked.
    func started(_ partition: TopicPartition, at offset: Int64, asked: Known, member: String) {
        judge.require(
            offset == -1 || sent[partition]?.contains(offset) ?? false,
            "\(name): \(member) starts \(partition) at \(offset), which nobody has committed")
        guard isCurrent(asked, partition) else { return }
        let known = asked.committed[partition] ?? -1
        judge.require(
            offset >= known,
            "\(name): the committed offset of \(partition) goes back from \(known) to \(offset)")
        judge.require(
            offset <= processed[partition] ?? 0,
            "\(name): \(member) starts \(partition) at \(offset), records from "
                + "\(processed[partition] ?? 0) on are skipped")
    }

    func processed(_ partition: TopicPartition, upTo offset: Int64) {
        processed[partition] = max(processed[partition] ?? 0, offset)
    }

    /// The records that the group had read are gone: it starts anew.
    func restarted(_ partition: TopicPartition) {
        committed[partition] = nil
        restarts[partition, default: 0] += 1
    }
}
