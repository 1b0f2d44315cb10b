import Primitives
import Server
import Testing
import WireProtocol

@Suite("Settings of single groups, over the wire")
struct GroupSettingsTests {
    private let session = "consumer.session.timeout.ms"
    private let interval = "consumer.heartbeat.interval.ms"

    /// - Returns: the error code and what it says.
    @discardableResult private func set(
        _ settings: [(String, String?)], of group: String = "g", _ client: TestClient
    ) throws -> (code: ErrorCode?, message: String?) {
        var resource = IncrementalAlterConfigsRequest.AlterConfigsResource()
        resource.resourceType = 32
        resource.resourceName = group
        resource.configs = settings.map { name, value in
            var config = IncrementalAlterConfigsRequest.AlterableConfig()
            config.name = name
            config.configOperation = value == nil ? 1 : 0
            config.value = value
            return config
        }
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource]
        let answer = try client.call(request).responses[0]
        return (ErrorCode(rawValue: answer.errorCode), answer.errorMessage)
    }

    /// Name, value and source.
    private func settings(of group: String = "g", _ client: TestClient) throws -> [String] {
        try describe(group, client).configs.map {
            "\($0.name)=\($0.value ?? "-") \($0.configSource)"
        }
    }

    private func describe(
        _ group: String, _ client: TestClient
    ) throws -> DescribeConfigsResponse.DescribeConfigsResult {
        var resource = DescribeConfigsRequest.DescribeConfigsResource()
        (resource.resourceType, resource.resourceName) = (32, group)
        resource.configurationKeys = nil
        var request = DescribeConfigsRequest()
        request.resources = [resource]
        request.includeSynonyms = true
        return try client.call(request).results[0]
    }

    @Test("settings are shown with where they come from, and outlive a restart")
    func description() throws {
        let fixture = try BrokerFixture(["group.consumer.heartbeat.interval.ms=6000"])
        var client = try fixture.connect()
        #expect(try settings(client) == ["\(interval)=6000 4", "\(session)=45000 5"])
        #expect(try set([(session, "50000")], client).code == .noError)
        let after = ["\(interval)=6000 4", "\(session)=50000 8"]
        #expect(try settings(client) == after)
        #expect(try settings(of: "other", client).last == "\(session)=45000 5")
        let entry = try #require(try describe("g", client).configs.last)
        #expect(entry.synonyms.map(\.value) == ["50000", "45000"])
        #expect(entry.synonyms.map(\.source) == [8, 5])
        #expect(!entry.readOnly && entry.configType == 3)

        try fixture.restart()
        client = try fixture.connect()
        #expect(try settings(client) == after)
        #expect(try set([(session, nil)], client).code == .noError)
        #expect(try settings(client).last == "\(session)=45000 5")
    }

    @Test("all settings of a group are replaced at once, the old way")
    func replacement() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try set([(session, "50000")], client)
        var config = AlterConfigsRequest.AlterableConfig()
        (config.name, config.value) = (interval, "7000")
        var resource = AlterConfigsRequest.AlterConfigsResource()
        (resource.resourceType, resource.resourceName) = (32, "g")
        resource.configs = [config]
        var request = AlterConfigsRequest()
        request.resources = [resource]
        #expect(try client.call(request).responses.map(\.errorCode) == [0])
        #expect(try settings(client) == ["\(interval)=7000 8", "\(session)=45000 5"])
    }

    @Test(
        "a value outside of the broker's bounds is refused, and the sentence names the bound",
        arguments: [
            ("consumer.session.timeout.ms", "44999", "group.consumer.min.session.timeout.ms"),
            ("consumer.session.timeout.ms", "60001", "group.consumer.max.session.timeout.ms"),
            ("consumer.heartbeat.interval.ms", "4999", "group.consumer.min.heartbeat.interval.ms"),
            ("consumer.heartbeat.interval.ms", "15001", "group.consumer.max.heartbeat.interval.ms"),
            ("consumer.heartbeat.interval.ms", "soon", "is no int"),
            ("consumer.heartbeat.interval.ms", "0", "at least 1"),
            ("consumer.heartbeat.interval", "6000", "did you mean consumer.heartbeat.interval.ms"),
            ("share.session.timeout.ms", "45000", "share groups"),
            ("streams.num.standby.replicas", "1", "streams groups"),
            ("retention.ms", "1", "is no group setting"),
        ])
    func refusals(name: String, value: String, reason: String) throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        let answer = try set([(name, value)], client)
        #expect(answer.code == .invalidConfig)
        #expect(answer.message?.contains(reason) == true, "\(answer.message ?? "no sentence")")
        #expect(try settings(client) == ["\(interval)=5000 5", "\(session)=45000 5"])
    }

    @Test("a session that cannot hold a heartbeat is refused, also where the other is the broker's")
    func sessionAndHeartbeat() throws {
        let fixture = try BrokerFixture([
            "group.consumer.min.session.timeout.ms=6000", "group.consumer.session.timeout.ms=10000",
        ])
        let client = try fixture.connect()
        #expect(try set([(interval, "10000")], client).code == .invalidConfig)
        #expect(try set([(interval, "10000"), (session, "11000")], client).code == .noError)
        #expect(try set([(session, nil)], client).code == .invalidConfig)
        #expect(try set([(session, nil), (interval, nil)], client).code == .noError)
    }

    @Test("a group needs an id")
    func emptyID() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        #expect(try set([(session, "50000")], of: "", client).code == .invalidRequest)
        #expect(try describe("", client).errorCode == ErrorCode.invalidRequest.rawValue)
    }

    @Test("a member that runs is told the new interval with its next heartbeat")
    func runningMember() throws {
        let fixture = try BrokerFixture(["offsets.topic.num.partitions=1"])
        let client = try fixture.connect()
        try client.createTopic("t")
        var find = FindCoordinatorRequest()
        find.coordinatorKeys = ["g"]
        _ = try client.call(find, version: 6)
        var request = ConsumerGroupHeartbeatRequest()
        request.groupId = "g"
        request.memberId = "a"
        request.rebalanceTimeoutMs = 10_000
        request.subscribedTopicNames = ["t"]
        request.topicPartitions = []
        var answer = try client.call(request, version: 1)
        #expect(answer.errorCode == 0)
        request = ConsumerGroupHeartbeatRequest()
        request.groupId = "g"
        request.memberId = "a"
        request.memberEpoch = answer.memberEpoch
        answer = try client.call(request, version: 1)
        #expect(answer.heartbeatIntervalMs == 5_000)
        try set([(interval, "12000")], client)
        // The change is on its way to the group's loop before it is answered.
        #expect(try client.call(request, version: 1).heartbeatIntervalMs == 12_000)

        try fixture.restart()
        let again = try fixture.connect()
        #expect(try again.call(request, version: 1).heartbeatIntervalMs == 12_000)
    }

    @Test("what has settings is listed by type")
    func list() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        try set([(session, "50000")], of: "h", client)
        try set([(session, "50000")], client)
        var request = ListConfigResourcesRequest()
        request.resourceTypes = [32]
        let names = { (response: ListConfigResourcesResponse) in
            response.configResources.map { "\($0.resourceType) \($0.resourceName)" }
        }
        #expect(try names(client.call(request, version: 1)) == ["32 g", "32 h"])
        request.resourceTypes = []
        #expect(try names(client.call(request, version: 1)) == ["2 t", "4 1", "32 g", "32 h"])
        #expect(try names(client.call(request, version: 0)) == [])
        request.resourceTypes = [32, 5]
        let refused = try client.call(request, version: 1)
        #expect(refused.errorCode == ErrorCode.unsupportedVersion.rawValue)
        #expect(refused.configResources.isEmpty)
        try set([(session, nil)], of: "h", client)
        request.resourceTypes = [32]
        #expect(try names(client.call(request, version: 1)) == ["32 g"])
    }
}
