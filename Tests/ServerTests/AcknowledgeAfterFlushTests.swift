import Primitives
import Synchronization
import Testing
import WireProtocol

@Suite("Acknowledgement after the flush")
struct AcknowledgeAfterFlushTests {
    private static let mode = [("acknowledge.after.flush", "true")]

    /// Sends a record whose sync then stands still. Returns the request's correlation.
    private func stall(
        _ disk: HeldDisk, _ writer: TestClient, acks: Int16 = -1
    ) throws -> Int32 {
        disk.hold()
        let sent = try writer.send(
            produceRequest("slow", batch(["first"]), acks: acks), version: 9)
        disk.waitUntilReached()
        return sent
    }

    @Test(
        "the answer waits for the sync and holds nobody else up",
        arguments: [mode, [("flush.messages", "1")]], [Int16(1), -1])
    func answerWaits(settings: [(String, String)], acks: Int16) throws {
        let disk = HeldDisk(holding: "slow-0")
        let fixture = try BrokerFixture(["num.network.threads=1"], files: disk)
        let (writer, other) = (try fixture.connect(), try fixture.connect())
        try other.createTopic("slow", settings: settings)
        try other.createTopic("quick")
        let sent = try stall(disk, writer, acks: acks)
        #expect(try other.produce("quick", batch(["b"])).errorCode == 0)
        #expect(!writer.hasAnswer)
        disk.release()
        let answer = try writer.receive(ProduceRequest.self, version: 9, correlation: sent)
        #expect(answer.responses[0].partitionResponses[0].errorCode == 0)
        #expect(answer.responses[0].partitionResponses[0].baseOffset == 0)
    }

    @Test("requests that come while a sync runs share the next one")
    func sharedSync() throws {
        let disk = HeldDisk(holding: "slow-0")
        let fixture = try BrokerFixture(files: disk)
        let other = try fixture.connect()
        try other.createTopic("slow", settings: Self.mode)
        let writers = try (0..<6).map { _ in try fixture.connect() }
        _ = try stall(disk, writers[0])
        let before = disk.syncs.load(ordering: .relaxed)
        for writer in writers.dropFirst() {
            try writer.send(produceRequest("slow", batch(["more"])), version: 9)
        }
        // Who reads them sees that they are in the log.
        var seen = 0
        while seen < writers.count {
            let offsets = try other.listLatest("slow")
            seen = Int(offsets)
        }
        #expect(writers.allSatisfy { !$0.hasAnswer })
        disk.release()
        for writer in writers {
            let answer = try writer.receive(ProduceRequest.self, version: 9, correlation: 1)
            #expect(answer.responses[0].partitionResponses[0].errorCode == 0)
        }
        #expect(disk.syncs.load(ordering: .relaxed) == before + 1)
    }

    @Test("a failed sync is answered with an error, and so is everything behind it")
    func failedSync() throws {
        let disk = HeldDisk(holding: "slow-0")
        let fixture = try BrokerFixture(files: disk)
        let client = try fixture.connect()
        try client.createTopic("slow", settings: Self.mode)
        #expect(try client.produce("slow", batch(["a"])).errorCode == 0)
        disk.fail()
        #expect(try client.produce("slow", batch(["b"])).errorCode == 56)
        #expect(try client.produce("slow", batch(["c"])).errorCode == 56)
    }

    @Test("without the setting nothing waits for a disk")
    func asKafka() throws {
        let disk = HeldDisk(holding: "plain-0")
        let fixture = try BrokerFixture(files: disk)
        let client = try fixture.connect()
        try client.createTopic("plain")
        #expect(try client.produce("plain", batch(["a"])).errorCode == 0)
        #expect(disk.syncs.load(ordering: .relaxed) == 0)
    }
}

extension TestClient {
    /// The offset behind the last record of partition 0.
    fileprivate func listLatest(_ topic: String) throws -> Int64 {
        var partition = ListOffsetsRequest.ListOffsetsPartition()
        partition.timestamp = -1
        var entry = ListOffsetsRequest.ListOffsetsTopic()
        entry.name = topic
        entry.partitions = [partition]
        var request = ListOffsetsRequest()
        request.topics = [entry]
        return try #require(try call(request).topics.first?.partitions.first).offset
    }
}
