import Primitives
import RecordFormat
import Server
import Testing
import WireProtocol

@Suite("What metrics say is what happened")
struct MetricsContentTests {
    private static let brokerTopics = "kafka_server_brokertopicmetrics_"
    private static let requests = "kafka_network_requestmetrics_requests_total"
    private static let errors = "kafka_network_requestmetrics_errors_total"
    private static let times = "kafka_network_requestmetrics_totaltimems"

    private func broker(_ more: [String] = []) throws -> BrokerFixture {
        try BrokerFixture(
            ["metrics.listener=127.0.0.1:0", "offsets.topic.num.partitions=3"] + more)
    }

    private func lag(_ scrape: PrometheusText, _ group: String, _ topic: String, _ partition: Int)
        -> Double?
    {
        scrape[
            "kafka_consumergroup_lag",
            ["consumergroup": group, "topic": topic, "partition": String(partition)]]
    }

    @Test("requests are counted by API and version, one by one, each with its time")
    func requestCounts() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        for _ in 0..<5 { _ = try client.call(ApiVersionsRequest(), version: 3) }
        for _ in 0..<2 { _ = try client.call(ApiVersionsRequest(), version: 0) }
        var all = MetadataRequest()
        all.topics = nil
        _ = try client.call(all, version: 9)
        let scrape = try fixture.scrape()
        #expect(scrape[Self.requests, ["request": "ApiVersions", "version": "3"]] == 5)
        #expect(scrape[Self.requests, ["request": "ApiVersions", "version": "0"]] == 2)
        #expect(scrape[Self.requests, ["request": "Metadata", "version": "9"]] == 1)
        #expect(scrape.samples(Self.requests).count == 3)
        #expect(scrape[Self.times + "_count", ["request": "ApiVersions"]] == 7)
        #expect(scrape[Self.times + "_count", ["request": "Metadata"]] == 1)
        #expect(try #require(scrape[Self.times + "_sum", ["request": "ApiVersions"]]) > 0)
    }

    private func errors(_ scrape: PrometheusText, _ request: String) -> [String: Double] {
        var found: [String: Double] = [:]
        for sample in scrape.samples(Self.errors) where sample.labels["request"] == request {
            found[sample.labels["error"] ?? ""] = scrape.values[sample]
        }
        return found
    }

    @Test("error codes are counted by API: those of the parts, and that of the whole if it has one")
    func errorCounts() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        try client.createTopic("t", partitions: 2)
        #expect(try client.produce("t", batch(["a"])).errorCode == 0)
        for partition in [5, 6] as [Int32] {
            _ = try client.produce("t", batch(["a"]), partition: partition)
        }
        // Version 7 is the first with a code of the whole.
        _ = try client.call(fetchRequest("t", from: 0), version: 6)
        _ = try client.call(fetchRequest("t", from: 9), version: 11)
        var heartbeat = HeartbeatRequest()
        heartbeat.groupId = "g"
        _ = try client.call(heartbeat, version: 3)
        let scrape = try fixture.scrape()
        #expect(errors(scrape, "CreateTopics") == ["NONE": 1])
        #expect(errors(scrape, "Produce") == ["NONE": 1, "UNKNOWN_TOPIC_OR_PARTITION": 2])
        #expect(errors(scrape, "Fetch") == ["NONE": 2, "OFFSET_OUT_OF_RANGE": 1])
        #expect(errors(scrape, "Heartbeat") == ["COORDINATOR_NOT_AVAILABLE": 1])
        #expect(errors(scrape, "Metadata").isEmpty)
        let again = try fixture.scrape()
        #expect(again.samples(Self.errors) == scrape.samples(Self.errors))
    }

    @Test("a request that has no answer has no error either")
    func unansweredErrors() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        try client.createTopic("t")
        try client.send(produceRequest("t", batch(["a"]), acks: 0), version: 9)
        _ = try client.call(ApiVersionsRequest(), version: 0)
        let scrape = try fixture.scrape()
        #expect(scrape[Self.requests, ["request": "Produce", "version": "9"]] == 1)
        #expect(errors(scrape, "Produce").isEmpty)
        #expect(errors(scrape, "ApiVersions") == ["NONE": 1])
    }

    @Test("a request that is refused with its connection is not counted")
    func refusedRequests() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        var writer = ByteWriter()
        writer.write(APIKey.produce.rawValue)
        writer.write(99 as Int16)
        try client.send(frame: writer.finish())
        #expect(client.isClosedByPeer())
        #expect(try fixture.scrape().samples(Self.requests).isEmpty)
    }

    @Test("a fetch that waits is counted with the time it waited")
    func waitingTime() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        try client.createTopic("t")
        _ = try client.call(fetchRequest("t", from: 0, maxWaitMs: 120), version: 11)
        let scrape = try fixture.scrape()
        let fetch = ["request": "Fetch"]
        #expect(scrape[Self.times + "_count", fetch] == 1)
        #expect(try #require(scrape[Self.times + "_sum", fetch]) >= 119)
        #expect(scrape[Self.times + "_bucket", ["request": "Fetch", "le": "100"]] == 0)
        #expect(scrape[Self.times + "_bucket", ["request": "Fetch", "le": "30000"]] == 1)
    }

    @Test("records and bytes in and out move by what was produced and fetched, to the byte")
    func traffic() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        try client.createTopic("t", partitions: 2)
        try client.createTopic("quiet")
        let (one, two) = (try batch(["a", "b", "c"]), try batch(["d"]))
        #expect(try client.produce("t", one).errorCode == 0)
        #expect(try client.produce("t", two, partition: 1).errorCode == 0)
        // acks=0 has no answer; the next answer comes behind it.
        try client.send(produceRequest("t", try batch(["e", "f"]), acks: 0), version: 9)
        _ = try client.call(ApiVersionsRequest(), version: 0)
        for _ in 0..<3 {
            let answer = try client.call(fetchRequest("t", from: 0, partition: 1), version: 11)
            #expect(answer.responses[0].partitions[0].records?.count == two.count)
        }
        let scrape = try fixture.scrape()
        let topic = ["topic": "t"]
        #expect(scrape[Self.brokerTopics + "messagesin_total", topic] == 6)
        let bytes = one.count + two.count + (try batch(["e", "f"]).count)
        #expect(scrape[Self.brokerTopics + "bytesin_total", topic] == Double(bytes))
        #expect(scrape[Self.brokerTopics + "bytesout_total", topic] == Double(3 * two.count))
        #expect(scrape[Self.brokerTopics + "bytesin_total", ["topic": "quiet"]] == 0)
        #expect(scrape[Self.brokerTopics + "bytesin_total"] == Double(bytes))
        #expect(scrape[Self.requests, ["request": "Produce", "version": "9"]] == 3)
        #expect(scrape[Self.times + "_count", ["request": "Produce"]] == 3)
    }

    @Test("a repeated batch and a refused one are not counted as records")
    func notAppended() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        try client.createTopic("t")
        let producer = RecordBatchBuilder.Producer(
            id: ProducerID(7), epoch: ProducerEpoch(0), baseSequence: 0)
        for _ in 0..<3 {
            #expect(try client.produce("t", batch(["a"], producer: producer)).errorCode == 0)
        }
        #expect(try client.produce("t", Bytes([1, 2, 3])).errorCode != 0)
        let scrape = try fixture.scrape()
        #expect(scrape[Self.brokerTopics + "messagesin_total"] == 1)
        #expect(scrape[Self.requests, ["request": "Produce", "version": "9"]] == 4)
    }

    @Test("totals keep what went through a topic that is deleted")
    func deletedTopic() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        try client.createTopic("t")
        #expect(try client.produce("t", batch(["a", "b"])).errorCode == 0)
        var request = DeleteTopicsRequest()
        request.topicNames = ["t"]
        request.timeoutMs = 10_000
        #expect(try client.call(request, version: 5).responses[0].errorCode == 0)
        let scrape = try fixture.scrape()
        #expect(scrape[Self.brokerTopics + "messagesin_total"] == 2)
        #expect(scrape[Self.brokerTopics + "messagesin_total", ["topic": "t"]] == nil)
        #expect(scrape.samples("kafka_log_log_size").isEmpty)
    }

    @Test("each log is shown with its start, end, segments and size, also after a restart")
    func logs() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        try client.createTopic("t", partitions: 2)
        let records = try batch(["a", "b", "c"])
        #expect(try client.produce("t", records).errorCode == 0)
        var partition = DeleteRecordsRequest.DeleteRecordsPartition()
        partition.offset = 2
        var topic = DeleteRecordsRequest.DeleteRecordsTopic()
        topic.name = "t"
        topic.partitions = [partition]
        var delete = DeleteRecordsRequest()
        delete.topics = [topic]
        delete.timeoutMs = 10_000
        #expect(try client.call(delete, version: 2).topics[0].partitions[0].errorCode == 0)
        for round in 0..<2 {
            if round == 1 { try fixture.restart() }
            let scrape = try fixture.scrape()
            let (first, second) = (
                ["topic": "t", "partition": "0"], ["topic": "t", "partition": "1"]
            )
            #expect(scrape["kafka_log_log_logstartoffset", first] == 2)
            #expect(scrape["kafka_log_log_logendoffset", first] == 3)
            #expect(scrape["kafka_log_log_size", first] == Double(records.count))
            #expect(scrape["kafka_log_log_numlogsegments", first] == 1)
            #expect(scrape["kafka_log_log_logendoffset", second] == 0)
            #expect(scrape["kafka_log_log_size", second] == 0)
        }
    }

    @Test("looking at a partition that nobody has used leaves its log as it is")
    func onlookersWriteNothing() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        try client.createTopic("t")
        #expect(try client.produce("t", batch(["a"])).errorCode == 0)
        try client.commit("g", "t", [(0, 0)])
        try fixture.restart()
        let files = PosixFileSystem()
        let path = "\(fixture.directory)/data/t-0/leader-epoch-checkpoint"
        let before = try files.readAll(path, limit: 4096)
        try eventually { try self.lag(fixture.scrape(), "g", "t", 0) == 1 }
        // A reign that had begun would be in the file when the broker has stopped.
        try fixture.restart()
        #expect(try files.readAll(path, limit: 4096) == before)
        _ = try fixture.connect().call(fetchRequest("t", from: 0), version: 11)
        try fixture.restart()
        #expect(try files.readAll(path, limit: 4096) != before)
    }

    @Test("a group's lag is what lies between its commit and the end, partition by partition")
    func groupLag() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        try client.createTopic("t", partitions: 3)
        #expect(try client.produce("t", batch((0..<10).map(String.init))).errorCode == 0)
        #expect(try client.produce("t", batch(["a"]), partition: 1).errorCode == 0)
        try client.commit("g", "t", [(0, 4)])
        try client.commit("g", "t", [(1, 1)])
        try client.commit("other", "t", [(0, 10)])
        let scrape = try fixture.scrape()
        #expect(lag(scrape, "g", "t", 0) == 6)
        #expect(lag(scrape, "g", "t", 1) == 0)
        #expect(lag(scrape, "g", "t", 2) == nil)
        #expect(lag(scrape, "other", "t", 0) == 0)
        let position = ["consumergroup": "g", "topic": "t", "partition": "0"]
        #expect(scrape["kafka_consumergroup_current_offset", position] == 4)
        #expect(scrape["kafka_consumergroup_members", ["consumergroup": "g"]] == 0)
        let coordinator = "kafka_coordinator_group_groupmetadatamanager_"
        #expect(scrape[coordinator + "numgroups"] == 2)
        #expect(scrape[coordinator + "numgroupsempty"] == 2)
        #expect(scrape[coordinator + "numoffsets"] == 3)
        let groups = "kafka_server_group_coordinator_metrics_group_count"
        #expect(scrape[groups, ["protocol": "classic"]] == 2)
        #expect(scrape[groups, ["protocol": "consumer"]] == 0)

        #expect(try client.produce("t", batch(["x", "y"])).errorCode == 0)
        try client.commit("g", "t", [(0, 11)])
        let later = try fixture.scrape()
        #expect(lag(later, "g", "t", 0) == 1)
        #expect(lag(later, "other", "t", 0) == 2)
    }

    @Test("a group's lag is there after a restart, before anybody has asked for the group")
    func lagAfterRestart() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        try client.createTopic("t")
        #expect(try client.produce("t", batch(["a", "b", "c"])).errorCode == 0)
        try client.commit("g", "t", [(0, 1)])
        try fixture.restart()
        try eventually { try self.lag(fixture.scrape(), "g", "t", 0) == 2 }
    }

    @Test("a group may have any name: its label is escaped")
    func escapedLabels() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        try client.createTopic("t")
        let names = ["a\"b", "a\\b", "a\nb", "a{b}, \u{e9}\u{1f600}", "a\\nb"]
        for name in names { try client.commit(name, "t", [(0, 0)]) }
        let scrape = try fixture.scrape()
        let found = scrape.samples("kafka_consumergroup_lag").compactMap {
            $0.labels["consumergroup"]
        }
        #expect(found == names.sorted())
    }

    @Test("a member of the new protocol is counted with its group's state")
    func newProtocol() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        try client.createTopic("t")
        try client.commit("classic", "t", [(0, 0)])
        var request = ConsumerGroupHeartbeatRequest()
        request.groupId = "new"
        request.memberId = "m"
        request.rebalanceTimeoutMs = 10_000
        request.subscribedTopicNames = ["t"]
        request.topicPartitions = []
        #expect(try client.call(request, version: 1).errorCode == 0)
        let scrape = try fixture.scrape()
        let prefix = "kafka_server_group_coordinator_metrics_"
        #expect(scrape[prefix + "group_count", ["protocol": "consumer"]] == 1)
        let states = scrape.samples(prefix + "consumer_group_count")
        #expect(
            states.map { $0.labels["state"] } == ["empty", "assigning", "reconciling", "stable"])
        #expect(states.compactMap { scrape.values[$0] }.reduce(0, +) == 1)
        #expect(scrape["kafka_consumergroup_members", ["consumergroup": "new"]] == 1)
    }

    @Test("connections are counted by listener while they last")
    func connections() throws {
        let fixture = try broker()
        let name = "kafka_server_socket_server_metrics_connection_"
        func sum(_ kind: String) throws -> Double {
            let scrape = try fixture.scrape()
            let samples = scrape.samples(name + kind)
            #expect(samples.allSatisfy { $0.labels["listener"] == "PLAINTEXT" })
            #expect(samples.compactMap { $0.labels["networkProcessor"] } == ["0", "1"])
            return samples.compactMap { scrape.values[$0] }.reduce(0, +)
        }
        var clients = try (0..<3).map { _ in try fixture.connect() }
        for client in clients { _ = try client.call(ApiVersionsRequest(), version: 0) }
        #expect(try sum("count") == 3)
        #expect(try sum("creation_total") == 3)
        clients.removeLast()
        try eventually { try sum("count") == 2 }
        #expect(try sum("creation_total") == 3)
    }

    @Test("the broker's state: topics, partitions, leaders, and who lacks replicas in sync")
    func state() throws {
        let fixture = try broker(["min.insync.replicas=1"])
        let client = try fixture.connect()
        try client.createTopic("t", partitions: 3)
        try client.createTopic("strict", settings: [("min.insync.replicas", "2")])
        let scrape = try fixture.scrape()
        let controller = "kafka_controller_kafkacontroller_"
        #expect(scrape[controller + "activecontrollercount"] == 1)
        #expect(scrape[controller + "globaltopiccount"] == 2)
        #expect(scrape[controller + "globalpartitioncount"] == 4)
        #expect(scrape[controller + "offlinepartitionscount"] == 0)
        let replicas = "kafka_server_replicamanager_"
        #expect(scrape[replicas + "partitioncount"] == 4)
        #expect(scrape[replicas + "leadercount"] == 4)
        #expect(scrape[replicas + "underreplicatedpartitions"] == 0)
        #expect(scrape[replicas + "underminisrpartitioncount"] == 1)
        #expect(scrape[replicas + "offlinereplicacount"] == 0)
        #expect(scrape["kafka_log_logmanager_offlinelogdirectorycount"] == 0)
    }

    @Test("a damaged log counts as an offline partition; the others are shown")
    func damagedLog() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        try client.createTopic("t", partitions: 2)
        for partition in 0..<2 as Range<Int32> {
            #expect(try client.produce("t", batch(["a"]), partition: partition).errorCode == 0)
        }
        try fixture.restart { data in
            let path = "\(data)/t-1/leader-epoch-checkpoint"
            try PosixFileSystem().open(path, .replace).write(Bytes("nonsense"), at: 0)
        }
        let scrape = try fixture.scrape()
        #expect(scrape["kafka_controller_kafkacontroller_offlinepartitionscount"] == 1)
        #expect(scrape["kafka_server_replicamanager_offlinereplicacount"] == 1)
        #expect(scrape.samples("kafka_log_log_size").map(\.labels["partition"]) == ["0"])
    }

    @Test("the process is shown as Prometheus' own clients show it")
    func process() throws {
        let fixture = try broker()
        let scrape = try fixture.scrape()
        let now = Double(PosixClock().wall().rawValue) / 1000
        let start = try #require(scrape["process_start_time_seconds"])
        #expect(start > now - 86_400 && start <= now)
        #expect(try #require(scrape["process_resident_memory_bytes"]) > 1_000_000)
        #expect(try #require(scrape["process_cpu_seconds_total"]) > 0)
        let open = try #require(scrape["process_open_fds"])
        #expect(open > 5 && open <= scrape["process_max_fds"] ?? 0)
        #expect(try fixture.scrape()["process_start_time_seconds"] == start)
    }

    @Test("two scrapes of a broker at rest have the same samples in the same order")
    func order() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        for name in ["b", "a", "c"] { try client.createTopic(name, partitions: 11) }
        let groups = ["p", "q", "r", "s", "t", "u", "v", "w"]
        for group in groups.reversed() { try client.commit(group, "a", [(10, 0)]) }
        let (one, two) = (try fixture.scrape(), try fixture.scrape())
        #expect(one.order == two.order && one.families == two.families)
        let logs = one.samples("kafka_log_log_size").filter { $0.labels["topic"] == "b" }
        #expect(logs.compactMap { $0.labels["partition"].flatMap { Int($0) } } == Array(0..<11))
        let listed = one.samples("kafka_consumergroup_lag").compactMap {
            $0.labels["consumergroup"]
        }
        #expect(listed == groups)
    }

    @Test("docs/operations.md lists what is shown, and nothing else")
    func documented() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        try client.createTopic("t")
        try client.commit("g", "t", [(0, 0)])
        let shown = try fixture.scrape().families.sorted()
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        let path = root.joined(separator: "/") + "/docs/operations.md"
        let text = try #require(PosixFileSystem().readAll(path, limit: 1 << 20).text)
        let cells = text.split(separator: "\n").filter {
            $0.hasPrefix("| `kafka_") || $0.hasPrefix("| `process_")
        }.compactMap { $0.split(separator: "|").first }
        let listed = cells.flatMap { $0.split(separator: ",") }.map { name in
            String(name.filter { $0 != " " && $0 != "`" })
        }
        #expect(listed.sorted() == shown)
    }
}
