internal import Primitives

/// The number of a consumer group's state: grows with each change of who is in it or what they
/// read. A target assignment has the epoch of the state it was made for, a member the epoch of the
/// target it has reached; so the three compare.
struct GroupEpoch: Identifier {
    var rawValue: Int32
    init(rawValue: Int32) { self.rawValue = rawValue }
    init(_ rawValue: Int32) { self.rawValue = rawValue }

    /// Of a new group, and of a member that joins.
    static let joining = GroupEpoch(0)
    /// Of a member that leaves.
    static let leaving = GroupEpoch(-1)
    /// Of a static member that leaves and means to come back.
    static let leavingForNow = GroupEpoch(-2)

    /// Stays at the highest number there is, which no group reaches in its life.
    var next: GroupEpoch { GroupEpoch(rawValue == .max ? .max : rawValue + 1) }
}
