import Testing

@testable import Simulation

/// A rebalance that never ends was met in many forms. Here a settled group is joined by another
/// member, and its coordinator goes down at a chosen point of what follows.
@Suite("Groups whose coordinator is restarted in a rebalance")
struct StuckGroupTests {
    /// How far a rebalance of a classic group has got.
    enum ClassicMoment: CaseIterable {
        /// The newcomer waits; nobody else knows of it.
        case newcomerJoins
        /// One of the others has heard of it, and joins again.
        case othersJoin
        /// A generation is made, and somebody waits for its share.
        case shareAwaited
        /// The newcomer has its share, others may not have theirs.
        case shareGiven

        func isReached(_ members: [ClassicMember]) -> Bool {
            let (others, newcomer) = (members.dropLast(), members[members.count - 1])
            return switch self {
            case .newcomerJoins:
                newcomer.phase == .joining && others.allSatisfy { $0.generation != nil }
            case .othersJoin: others.contains { $0.phase == .joining }
            case .shareAwaited:
                members.contains { if case .syncing = $0.phase { true } else { false } }
            case .shareGiven: newcomer.shareCount > 0
            }
        }
    }

    /// How far a reconciliation of a consumer group has got.
    enum ConsumerMoment: CaseIterable {
        /// The newcomer has asked, and is no member yet.
        case newcomerAsks
        /// The newcomer is a member, and has nothing.
        case newcomerHasNothing
        /// One of the others has given something up; the newcomer has nothing.
        case givenUp
        /// The newcomer has got something, which it has not read to the end.
        case taken

        func isReached(_ members: [ConsumerMember]) -> Bool {
            let (others, newcomer) = (members.dropLast(), members[members.count - 1])
            let left = others.reduce(0) { $0 + $1.reading.owned.count }
            return switch self {
            case .newcomerAsks: newcomer.phase == .beating && !newcomer.isMember
            case .newcomerHasNothing: newcomer.isMember && newcomer.reading.owned.isEmpty
            case .givenUp: left < StuckGroupTests.partitions && newcomer.reading.owned.isEmpty
            case .taken: !newcomer.reading.owned.isEmpty && !newcomer.isAtEnd
            }
        }
    }

    private static let partitions = 6

    @Test(
        "a classic group gets on, wherever in a rebalance its coordinator goes down",
        arguments: FieldScene.Restart.allCases, ClassicMoment.allCases)
    func classic(restart: FieldScene.Restart, moment: ClassicMoment) throws {
        for atOnce in [false, true] {
            let field = try FieldScene(partitions: Self.partitions)
            let members = field.classicMembers(4, atOnce: atOnce)
            try disturb(field, members, restart, "\(moment)") { moment.isReached(members) }
        }
    }

    @Test(
        "a consumer group gets on, wherever in a reconciliation its coordinator goes down",
        arguments: FieldScene.Restart.allCases, ConsumerMoment.allCases)
    func consumer(restart: FieldScene.Restart, moment: ConsumerMoment) throws {
        for atOnce in [false, true] {
            let field = try FieldScene(partitions: Self.partitions)
            let members = field.consumerMembers(4, atOnce: atOnce)
            try disturb(field, members, restart, "\(moment)") { moment.isReached(members) }
        }
    }

    /// Three members settle, the last one joins; the broker goes down at the moment, and the first
    /// member never returns.
    private func disturb(
        _ field: FieldScene, _ members: [any GroupMember], _ restart: FieldScene.Restart,
        _ moment: String, isReached: () -> Bool
    ) throws {
        let standing = { members.map(\.standing).joined(separator: "; ") }
        let before = Array(members.dropLast())
        field.start(before)
        try field.scene.within(60_000, "they settle: \(standing())") {
            field.group.isSettled(before)
        }
        field.start([members[members.count - 1]])
        try field.scene.within(20_000, "\(moment) is reached: \(standing())", isReached)
        field.goDown(restart)
        members[0].stop()
        try field.scene.pass(milliseconds: 50)
        field.scene.broker.start()
        let left = Array(members.dropFirst())
        try field.scene.within(60_000, "restart at \(moment): \(standing())") {
            field.group.isSettled(left)
        }
    }
}
