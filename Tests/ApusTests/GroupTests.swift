internal import BrokerHarness
internal import Client
internal import Foundation
internal import Primitives
internal import Testing

@testable internal import apus

@Suite("apus group, against a broker") struct GroupTests {
    private let broker: TestBroker
    private let cluster: Cluster
    private var address: String { broker.address }

    init() throws {
        broker = try TestBroker()
        cluster = try Cluster.of(broker)
    }

    /// Runs `body`, then closes what it used.
    private func closing(_ body: () async throws -> Void) async throws {
        do { try await body() } catch {
            await cluster.close()
            throw error
        }
        await cluster.close()
    }

    private func partition(_ topic: String, _ index: Int32) -> TopicPartition {
        TopicPartition(topic: topic, partition: PartitionIndex(index))
    }

    /// A topic with `count` records in each of its partitions.
    private func fill(_ topic: String, partitions: Int32, _ count: Int) async throws {
        _ = try await Admin(cluster).create(NewTopic(name: topic, partitions: partitions))
        for index in 0..<partitions {
            try await TestRecords.append(
                count, to: partition(topic, index), from: Timestamp(1_700_000_000_000), cluster)
        }
    }

    private func commit(_ group: String, _ offsets: [TopicPartition: Offset]) async throws {
        #expect(try await Admin(cluster).setOffsets(of: group, to: offsets).isEmpty)
    }

    @Test("a group's offsets, ends and lag are shown by partition and in total")
    func lag() async throws {
        try await closing {
            try await fill("t", partitions: 2, 10)
            try await commit("g", [partition("t", 0): Offset(3), partition("t", 1): Offset(10)])

            let listed = await apus("group", "list", at: address)
            #expect(
                listed.output == """
                    GROUP  STATE  TYPE     PROTOCOL  COORDINATOR
                    g      Empty  classic  -                   1

                    """)
            #expect(
                await apus("group", "list", "--state=stable", "--json", at: address).output.isEmpty)

            let described = await apus("group", "describe", "g", at: address)
            #expect(described.code == .success)
            #expect(
                described.output
                    == """
                    group g  state Empty  type classic  assignor -  coordinator 1  members 0  lag 7
                    TOPIC  PARTITION  COMMITTED  END  LAG  MEMBER  CLIENT  HOST
                    t              0          3   10    7  -       -       -
                    t              1         10   10    0  -       -       -
                    total                               7

                    """)

            let object = try #require(
                try await apus("group", "describe", "--all", "--json", at: address).objects().first)
            #expect(object["group"] as? String == "g" && object["lag"] as? Int == 7)
            let parts = try #require(object["partitions"] as? [[String: Any]])
            #expect(parts.map { $0["lag"] as? Int } == [7, 0])
        }
    }

    @Test("members of either protocol are shown with what they read")
    func members() async throws {
        try await closing {
            try await fill("t", partitions: 2, 1)
            let id = try await TestMember.joinClassic(
                "old", topic: "t", partitions: [0, 1], cluster)
            try await TestMember.joinConsumer("new", member: "m", topic: "t", cluster)

            for (group, member, type) in [("old", id, "classic"), ("new", "m", "consumer")] {
                let outcome = await apus("group", "describe", group, "--json", at: address)
                let object = try #require(try outcome.objects().first)
                #expect(object["type"] as? String == type)
                #expect((object["members"] as? [Any])?.count == 1)
                let parts = try #require(object["partitions"] as? [[String: Any]])
                #expect(parts.map { $0["member"] as? String } == [member, member])
                #expect(object["lag"] is NSNull)
            }
            let table = await apus("group", "describe", "old", at: address)
            #expect(table.output.contains("state Stable  type classic  assignor range"))
            #expect(table.lines[2].contains(id) && table.lines[2].contains("127.0.0.1"))
        }
    }

    @Test("a reset is shown first, and changes nothing until it is executed")
    func dryRun() async throws {
        try await closing {
            try await fill("t", partitions: 2, 10)
            try await commit("g", [partition("t", 0): Offset(3), partition("t", 1): Offset(10)])
            let plan = """
                TOPIC  PARTITION  CURRENT  NEW  CHANGE  NOTE
                t              0        3    0      -3  the first there is
                t              1       10    5      -5

                """
            let dry = await apus(
                "group", "reset-offsets", "g", "--all-topics", "--shift-by", "-5", at: address)
            #expect(dry.code == .success)
            #expect(
                dry.output == plan
                    + "nothing was changed; the same command with --execute stores these offsets\n")
            let offsets = try await Admin(cluster).committedOffsets(of: "g")
            #expect(offsets[partition("t", 1)]?.offset == Offset(10))

            let done = await apus(
                "group", "reset-offsets", "g", "--all-topics", "--shift-by=-5", "--execute",
                at: address)
            #expect(done.code == .success)
            #expect(done.output == plan + "done: group g goes on from there\n")
            let moved = try await Admin(cluster).committedOffsets(of: "g")
            #expect(moved[partition("t", 0)]?.offset == Offset(0))
            #expect(moved[partition("t", 1)]?.offset == Offset(5))
        }
    }

    @Test("a group goes back to a time, and one that did not exist gets offsets")
    func times() async throws {
        try await closing {
            try await fill("t", partitions: 2, 10)
            // Records are a second apart.
            let outcome = await apus(
                "group", "reset-offsets", "new", "--topic", "t:1", "--to-datetime",
                "2023-11-14T22:13:24Z", "--execute", "--json", at: address)
            let object = try #require(try outcome.objects().first)
            #expect(outcome.code == .success && outcome.lines.count == 1)
            #expect(object["current"] is NSNull && object["new"] as? Int == 4)
            #expect(object["executed"] as? Bool == true)
            // All records are older than an hour.
            let hour = await apus(
                "group", "reset-offsets", "new", "--topic", "t", "--by-duration", "1h", "--json",
                at: address)
            #expect(try hour.objects().map { $0["new"] as? Int } == [10, 10])
        }
    }

    @Test("a group with members is neither reset nor deleted")
    func busy() async throws {
        try await closing {
            try await fill("t", partitions: 1, 1)
            _ = try await TestMember.joinClassic("g", topic: "t", partitions: [0], cluster)
            let reset = await apus(
                "group", "reset-offsets", "g", "--topic=t", "--to-earliest", "--execute",
                at: address)
            #expect(reset.code == .failed && reset.output.isEmpty)
            #expect(
                reset.errors == """
                    apus: group "g" has 1 member (state Stable); stop its consumers, then try again

                    """)
            let delete = await apus("group", "delete", "g", "--execute", at: address)
            #expect(delete.code == .failed && delete.errors.contains("has members"))
            #expect(try await Admin(cluster).listGroups().groups.map(\.id) == ["g"])
        }
    }

    @Test("a group is deleted with its offsets when that is executed")
    func delete() async throws {
        try await closing {
            try await fill("t", partitions: 1, 1)
            try await commit("g", [partition("t", 0): Offset(1)])
            let dry = await apus("group", "delete", "g", at: address)
            #expect(dry.code == .success && dry.output.contains("would be deleted"))
            #expect(try await Admin(cluster).listGroups().groups.count == 1)
            // Named twice it is deleted once, and that it was is shown.
            let done = await apus("group", "delete", "g", "g", "--execute", at: address)
            #expect(done.code == .success && done.errors.isEmpty)
            #expect(done.lines.count == 2 && done.lines[1].hasSuffix("deleted"))
            #expect(try await Admin(cluster).listGroups().groups.isEmpty)
        }
    }

    @Test("a group's id with a line's end in it makes no line of its own")
    func forgery() async throws {
        try await closing {
            try await fill("t", partitions: 1, 1)
            try await commit("a\nb\u{1b}[2J", [partition("t", 0): Offset(1)])
            let listed = await apus("group", "list", at: address)
            #expect(listed.lines.count == 2)
            #expect(listed.lines[1].hasPrefix("a\\u{a}b\\u{1b}[2J  Empty"))
            let described = await apus("group", "describe", "--all", at: address)
            #expect(described.output.hasPrefix("group a\\u{a}b\\u{1b}[2J  state Empty"))
        }
    }

    @Test("what does not exist is said, with code 1")
    func missing() async throws {
        try await closing {
            _ = try await Admin(cluster).create(NewTopic(name: "t", partitions: 1))
            for line in [["describe", "no"], ["delete", "no"]] {
                let outcome = await apus("group", line[0], line[1], at: address)
                #expect(outcome.code == .failed)
                #expect(outcome.errors.contains("group \"no\" does not exist"))
            }
            for (topic, words) in [("no", "topic \"no\""), ("t:7", "partition 7 of topic \"t\"")] {
                let outcome = await apus(
                    "group", "reset-offsets", "g", "--topic", topic, "--to-latest", at: address)
                #expect(outcome.code == .failed)
                #expect(outcome.errors.contains("\(words) does not exist"))
            }
            let nothing = await apus(
                "group", "reset-offsets", "no", "--all-topics", "--to-latest", at: address)
            #expect(nothing.code == .failed && nothing.errors.contains("--topic"))
        }
    }

    @Test("command lines that make no sense are refused before anyone is asked")
    func usage() async {
        let lines: [[String]] = [
            [], ["describe"], ["describe", "g", "--all"], ["reset-offsets", "g", "--topic=t"],
            ["reset-offsets", "g", "--to-latest"], ["reset-offsets", "--topic=t", "--to-latest"],
            ["reset-offsets", "g", "--topic=t", "--to-latest", "--to-earliest"],
            ["reset-offsets", "g", "--topic=t", "--all-topics", "--to-latest"],
            ["reset-offsets", "g", "--topic=t:x", "--to-latest"],
            ["reset-offsets", "g", "--topic=t", "--by-duration=1"], ["delete"],
        ]
        for line in lines {
            #expect(await Apus.run(["group"] + line, Shell.inMemory("/")) == .usage, "\(line)")
        }
    }
}

@Suite struct ResetArithmeticTests {
    private func reset(
        _ target: ResetTarget, committed: Int64? = 7, found: Int64? = nil
    ) -> OffsetReset {
        OffsetReset(
            TopicPartition(topic: "t", partition: PartitionIndex(0)), to: target,
            OffsetReset.Known(
                start: Offset(5), end: Offset(20), committed: committed.map { Offset($0) },
                found: found.map { Offset($0) }))
    }

    @Test(
        "a reset stays between the first record and the end",
        arguments: [
            (.earliest, 5), (.latest, 20), (.offset(6), 6), (.offset(4), 5), (.offset(21), 20),
            (.shift(3), 10), (.shift(-3), 5), (.shift(.min), 5), (.shift(.max), 20),
            (.time(Timestamp(1)), 20),
        ] as [(ResetTarget, Int64)])
    func bounds(target: ResetTarget, new: Int64) {
        #expect(reset(target).new == Offset(new))
    }

    @Test("a time is the first record from it on; nothing committed cannot be shifted")
    func special() {
        #expect(reset(.ago(1), found: 9).new == Offset(9))
        let shifted = reset(.shift(1), committed: nil)
        #expect(shifted.new == nil && shifted.note != nil)
        #expect(reset(.ago(1)).note == "no record that late: the end")
    }

    @Test("a place that could not be looked up is no place behind the end: the plan fails")
    func failedLookup() {
        let partitions = (0..<3).map {
            TopicPartition(topic: "t", partition: PartitionIndex($0))
        }
        func places(_ offset: Int64?) -> ResetPlan.Places {
            Dictionary(
                uniqueKeysWithValues: partitions.map { ($0, .success(offset.map { Offset($0) })) })
        }
        func plan(_ starts: ResetPlan.Places, _ found: ResetPlan.Places) -> ResetPlan {
            ResetPlan(
                partitions, to: .time(Timestamp(1)), committed: [:], starts: starts,
                ends: places(20), found: found)
        }
        var (starts, found) = (places(5), places(nil))
        let whole = plan(starts, found)
        #expect(whole.failures.isEmpty)
        #expect(whole.steps.map(\.new) == partitions.map { _ in Offset(20) })

        starts[partitions[0]] = .failure(.invalid("no leader"))
        found[partitions[1]] = .failure(.invalid("too slow"))
        let broken = plan(starts, found)
        #expect(broken.failures.map(\.description) == ["no leader", "too slow"])
        #expect(broken.steps.map(\.partition) == [partitions[2]])

        found[partitions[2]] = .failure(.invalid("too slow"))
        #expect(plan(starts, found).failures.count == 2)
    }

    @Test(
        "lengths of time are numbers with units, also as Kafka writes them",
        arguments: [
            ("90s", 90_000), ("1h30m", 5_400_000), ("7d", 604_800_000), ("250ms", 250),
            ("PT1H30M", 5_400_000), ("P1DT1S", 86_401_000), ("1w", 604_800_000),
            ("", nil), ("1", nil), ("0s", nil), ("h", nil), ("1y", nil), ("-1s", nil),
            ("99999999999999999d", nil), ("P1M", nil), ("PT2D", nil), ("PT1W", nil), ("P1S", nil),
            ("P2W", 1_209_600_000), ("PT1M", 60_000), ("P1DT", nil), ("P", nil), ("PT", nil),
            ("PT5ms", nil), ("P1DT1H1D", nil), ("PT1HT1S", nil), ("P106751991167DT12H", nil),
        ] as [(String, Int64?)])
    func spans(text: String, milliseconds: Int64?) {
        #expect(TimeSpan.milliseconds(text) == milliseconds)
    }

    @Test("partitions are named by numbers and ranges")
    func selection() {
        func numbers(_ text: String) -> [Int32]? {
            PartitionSelection(text)?.partitions?.map(\.rawValue).sorted()
        }
        #expect(numbers("t:0,2,5-7") == [0, 2, 5, 6, 7])
        #expect(PartitionSelection("t")?.partitions == nil)
        for text in ["", ":1", "t:", "t:-1", "t:3-1", "t:1,,2", "t:1-2-3", "t:0-9999999"] {
            #expect(PartitionSelection(text) == nil, "\(text)")
        }
    }
}
