import Primitives
import Replication
import Testing

@Suite("The leader's role")
struct LeaderRoleTests {
    private let one = BrokerID(1)
    private let two = BrokerID(2)
    private let three = BrokerID(3)

    private func role(_ inSync: [BrokerID], logEnd: Int64, highWatermark: Int64) -> LeaderRole {
        LeaderRole(
            leader: one, epoch: LeaderEpoch(5), inSyncReplicas: inSync, logEnd: Offset(logEnd),
            highWatermark: Offset(highWatermark))
    }

    @Test("alone in sync, a leader's log end is the high watermark")
    func alone() {
        var role = role([one], logEnd: 10, highWatermark: 4)
        #expect(role.highWatermark == Offset(10))
        let moved1 = role.replica(one, reached: Offset(12))
        #expect(moved1)
        #expect(role.highWatermark == Offset(12))
    }

    @Test("the high watermark is the least log end in sync")
    func least() {
        var role = role([one, two, three], logEnd: 10, highWatermark: 4)
        #expect(role.highWatermark == Offset(4))
        let moved2 = role.replica(two, reached: Offset(9))
        #expect(!moved2)
        let moved3 = role.replica(three, reached: Offset(7))
        #expect(moved3)
        #expect(role.highWatermark == Offset(7))
        let moved4 = role.replica(one, reached: Offset(20))
        #expect(!moved4)
    }

    @Test("a follower that is not in sync moves nothing")
    func outsider() {
        var role = role([one, two], logEnd: 10, highWatermark: 4)
        let moved5 = role.replica(three, reached: Offset(100))
        #expect(!moved5)
        #expect(role.highWatermark == Offset(4))
        #expect(role.inSyncCount == 2)
    }

    @Test("the high watermark never goes back, even when a follower does")
    func monotonic() {
        var role = role([one, two], logEnd: 10, highWatermark: 4)
        let moved6 = role.replica(two, reached: Offset(8))
        #expect(moved6)
        let moved7 = role.replica(two, reached: Offset(3))
        #expect(!moved7)
        #expect(role.highWatermark == Offset(8))
    }

    @Test("a high watermark beyond the log's end is not believed")
    func beyondTheEnd() {
        #expect(role([one, two], logEnd: 10, highWatermark: 40).highWatermark == Offset(10))
    }

    @Test("a leader missing from the in-sync set it is given counts all the same")
    func leaderAdded() {
        let role = role([two], logEnd: 10, highWatermark: 4)
        #expect(role.inSyncCount == 2)
        #expect(role.highWatermark == Offset(4))
    }
}
