import Primitives
import Testing
import WireProtocol

/// What clients of the coordinator see when the disk, the log or the machine does not go along.
@Suite("The group coordinator in trouble")
struct CoordinatorFaultTests {
    private func broker(
        partitions: Int, _ overrides: [String] = [], files: any FileSystem = PosixFileSystem(),
        background: (any BackgroundWork)? = nil
    ) throws -> BrokerFixture {
        let fixture = try BrokerFixture(
            [
                "group.initial.rebalance.delay.ms=0",
                "offsets.topic.num.partitions=\(partitions)",
            ] + overrides, files: files, background: background)
        try fixture.connect().createTopic("t")
        return fixture
    }

    @Test("after a failed sync every request is sent elsewhere, and none is left without an answer")
    func failedSync() throws {
        let disk = HeldDisk(holding: "__consumer_offsets-0")
        let fixture = try broker(
            partitions: 1, ["log.acknowledge.after.flush=true"], files: disk)
        let member = try GroupClient(fixture)
        _ = try member.find()
        try member.enter([1])
        #expect(try member.commit(1) == 0)
        disk.fail()
        let elsewhere = ErrorCode.notCoordinator.rawValue
        #expect(try member.commit(2) == elsewhere)
        #expect(try member.heartbeat() == elsewhere)
        #expect(try member.fetch().errorCode == elsewhere)
    }

    @Test("what a full disk did not take is refused, and coordinated again once there is room")
    func fullDisk() throws {
        let disk = HeldDisk(holding: "__consumer_offsets-0")
        let fixture = try broker(
            partitions: 1, ["log.acknowledge.after.flush=true"], files: disk)
        let client = try GroupClient(fixture)
        _ = try client.find()
        disk.fill()
        let elsewhere = ErrorCode.notCoordinator.rawValue
        #expect(try client.commit(1) == elsewhere)
        #expect(try client.heartbeat() == elsewhere)
        disk.makeRoom()
        try eventually { try client.commit(2) == 0 }
        #expect(try client.committed() == 2)
    }

    @Test("groups that cannot be read are not coordinated here, and the others are")
    func unreadable() throws {
        let fixture = try broker(partitions: 3)
        // Each has a partition of its own: that of "c" is 0.
        let ids = ["a", "b", "c"]
        for id in ids {
            let client = try GroupClient(fixture, group: id)
            _ = try client.find()
            #expect(try client.committed() == -1)
            #expect(try client.commit(5) == 0)
        }
        try fixture.restart { data in
            let log = "\(data)/__consumer_offsets-0/00000000000000000000.log"
            let file = try PosixFileSystem().open(log, .readWrite)
            let damage = [UInt8](repeating: 0xff, count: try file.size() - 70)
            try file.write([Bytes(damage)], at: 70)
        }
        let clients = try ids.map { try GroupClient(fixture, group: $0) }
        #expect(try clients[0].committed() == 5)
        #expect(try clients[1].committed() == 5)
        let elsewhere = ErrorCode.notCoordinator.rawValue
        #expect(try clients[2].fetch().errorCode == elsewhere)
        #expect(try clients[2].heartbeat() == elsewhere)
        let listed = try clients[0].client.call(ListGroupsRequest())
        #expect(listed.errorCode == 0)
        #expect(Set(listed.groups.map(\.groupId)) == ["a", "b"])
    }

    @Test("while groups load a heartbeat is answered as if all were well, and a list is not")
    func loading() throws {
        let background = CrowdedBackground()
        let fixture = try broker(partitions: 1, background: background)
        // The one job makes the topic; the next would load its groups.
        try eventually { background.isIdle }
        background.refuse(after: 1)
        let client = try GroupClient(fixture)
        _ = try client.find()
        #expect(try client.heartbeatOnce() == 0)
        #expect(
            try client.client.call(ListGroupsRequest()).errorCode
                == ErrorCode.coordinatorLoadInProgress.rawValue)
        background.refuse(after: nil)
        #expect(try client.committed() == -1)
        #expect(try client.heartbeatOnce() == ErrorCode.unknownMemberId.rawValue)
    }

    @Test("records that are too large for the log are the server's error, for commits, too")
    func tooLarge() throws {
        let fixture = try broker(partitions: 1, ["message.max.bytes=600"])
        let client = try GroupClient(fixture)
        _ = try client.find()
        #expect(try client.committed() == -1)
        #expect(
            try client.commit(1, metadata: String(repeating: "x", count: 700))
                == ErrorCode.unknownServerError.rawValue)
        #expect(try client.commit(1) == 0)
    }
}
