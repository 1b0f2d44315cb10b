/// What a group's members were told: who owns what in which generation, and how far the group has
/// read.
///
/// What was answered holds until the power fails, and beyond where the offsets topic acknowledges
/// after the flush. A member is known by its instance id where it has one: whoever takes its place
/// takes its partitions.
final class GroupHistory {
    let name: String
    private let survivesPowerLoss: Bool
    private let judge: Judge
    private var owners: [Int32: [Int32: String]] = [:]
    /// The highest that a member has got its share of.
    private(set) var latestGeneration: Int32 = -1
    /// The highest acknowledged, by partition.
    private(set) var committed: [Int32: Int64] = [:]
    /// Behind the last record that a member has processed, with all before it.
    private var processed: [Int32: Int64] = [:]
    /// Counts losses of power that took what was answered.
    private(set) var era = 0

    init(_ name: String, survivesPowerLoss: Bool, judge: Judge) {
        self.name = name
        self.survivesPowerLoss = survivesPowerLoss
        self.judge = judge
    }

    func powerLost() {
        if survivesPowerLoss { return }
        era += 1
        owners = [:]
        latestGeneration = -1
        committed = [:]
    }

    /// A member got its share of a generation.
    func assigned(_ partitions: [Int32], to member: String, generation: Int32) {
        for partition in partitions {
            let owner = owners[generation, default: [:]].updateValue(member, forKey: partition)
            judge.require(
                owner == nil || owner == member,
                "\(name): partition \(partition) belongs to \(owner ?? "") and to \(member) in "
                    + "generation \(generation)")
        }
        latestGeneration = max(latestGeneration, generation)
    }

    /// A commit was acknowledged.
    ///
    /// - Parameter latest: the latest generation that was known when it was sent.
    func acknowledged(
        _ partition: Int32, offset: Int64, generation: Int32, latest: Int32, member: String
    ) {
        judge.require(
            generation >= latest,
            "\(name): \(member) commits in generation \(generation), the group was in generation "
                + "\(latest)")
        let before = committed[partition] ?? -1
        judge.require(
            offset >= before,
            "\(name): \(member) commits \(offset) of partition \(partition) behind \(before)")
        committed[partition] = max(before, offset)
    }

    /// A member was told where to start: nothing was committed where the offset is below 0.
    ///
    /// - Parameter known: what was committed when it asked.
    func started(_ partition: Int32, at offset: Int64, known: Int64, member: String) {
        judge.require(
            offset >= known,
            "\(name): the committed offset of partition \(partition) goes back from \(known) to "
                + "\(offset)")
        judge.require(
            offset <= processed[partition] ?? 0,
            "\(name): \(member) starts partition \(partition) at \(offset), records from "
                + "\(processed[partition] ?? 0) on are skipped")
    }

    func processed(_ partition: Int32, upTo offset: Int64) {
        processed[partition] = max(processed[partition] ?? 0, offset)
    }

    /// The records that the group had read are gone: it starts anew.
    func restarted(_ partition: Int32) { committed[partition] = nil }
}
