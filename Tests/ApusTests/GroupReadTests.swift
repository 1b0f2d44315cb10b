internal import BrokerHarness
internal import Client
internal import Primitives
internal import Testing

@testable internal import apus

@Suite("apus consume --group, against a broker") struct GroupReadTests {
    private func broker() throws -> TestBroker { try TestBroker(["num.partitions=2"]) }

    private func produce(_ lines: String, _ broker: TestBroker, key: Bool = false) async throws {
        let form = key ? ["--key-separator=:"] : []
        let sent = await apus(["produce", "t"] + form, input: [lines], at: broker.address)
        try #require(sent.code == .success, "\(sent.errors)")
    }

    /// Runs a member of the group while `body` goes on, and asks it to stop when that is over,
    /// whatever came of it. A member that ends before cancels `body`, which would wait in vain.
    private func following<Result: Sendable>(
        _ broker: TestBroker, _ more: [String] = [],
        while body: @escaping @Sendable () async throws -> Result
    ) async throws -> (outcome: Outcome, result: Result) {
        let stop = StopRequest()
        let work = Task {
            defer { stop.make() }
            return try await body()
        }
        let arguments = ["consume", "t", "--group=g", "--follow"] + more
        let outcome = await withTaskCancellationHandler {
            await apus(arguments, stop: stop, at: broker.address)
        } onCancel: {
            stop.make()
        }
        #expect(stop.isMade && outcome.code == .success, "\(outcome.errors)")
        work.cancel()
        return (outcome, try await work.value)
    }

    /// Waits until the group is as `condition` has it.
    private func until(
        _ broker: TestBroker, _ condition: (Admin) async throws -> Bool
    ) async throws {
        let cluster = try Cluster.of(broker)
        let clock = PosixClock()
        let end = clock.monotonic().adding(milliseconds: 600_000)
        do {
            while try await !condition(Admin(cluster)) {
                try #require(clock.monotonic() < end, "it did not come about")
                try await Task.sleep(for: .milliseconds(2))
            }
        } catch {
            await cluster.close()
            throw error
        }
        await cluster.close()
    }

    /// Waits until the group has stored that it read so many records of the topic.
    private func until(stored count: Int64, _ broker: TestBroker) async throws {
        try await until(broker) { admin in
            let offsets = try await admin.committedOffsets(of: "g")
            return offsets.values.reduce(0) { $0 + $1.offset.rawValue } == count
        }
    }

    @Test("what was printed is stored: the next one goes on there")
    func goesOn() async throws {
        let broker = try broker()
        try await produce("a\nb\nc\n", broker)
        let first = await apus("consume", "t", "--group", "g", at: broker.address)
        #expect(first.code == .success && first.lines.sorted() == ["a", "b", "c"])
        #expect(first.errors.contains("apus: group \"g\": generation 1, member apus-"))
        #expect(first.errors.contains("reads t 0,1\n"))
        #expect(first.errors.hasSuffix("apus: group \"g\": left after 3 records\n"))
        let second = await apus("consume", "t", "--group", "g", at: broker.address)
        #expect(second.code == .success && second.output.isEmpty)
        try await produce("d\n", broker)
        let third = await apus("consume", "t", "--group=g", "--max=1", at: broker.address)
        #expect(third.output == "d\n")
        let other = await apus("consume", "t", "--group=h", at: broker.address)
        #expect(other.lines.sorted() == ["a", "b", "c", "d"])
    }

    @Test("only what was printed is stored, also in the middle of a batch")
    func limit() async throws {
        let broker = try broker()
        try await produce("k:1\nk:2\nk:3\nk:4\nk:5\n", broker, key: true)
        let arguments = ["--group=g", "--max=2"]
        let first = await apus("consume", "t", arguments[0], arguments[1], at: broker.address)
        #expect(first.output == "1\n2\n")
        let second = await apus("consume", "t", arguments[0], arguments[1], at: broker.address)
        #expect(second.output == "3\n4\n")
        let rest = await apus("consume", "t", "--group=g", at: broker.address)
        #expect(rest.output == "5\n")
    }

    @Test("a member that is asked to stop stores what it printed, and leaves the group")
    func stop() async throws {
        let broker = try broker()
        try await produce("a\nb\n", broker)
        let ended = try await following(broker) { try await until(stored: 2, broker) }.outcome
        #expect(ended.lines.sorted() == ["a", "b"])
        #expect(ended.errors.hasSuffix("left after 2 records\n"))
        let groups = await apus("group", "list", at: broker.address)
        #expect(groups.output.contains("Empty"))
    }

    @Test("two members print each record once between them, and one goes on without the other")
    func two() async throws {
        let broker = try broker()
        try await produce("a\nb\nc\n", broker)
        let (longer, shorter) = try await following(broker) {
            try await until(stored: 3, broker)
            let shorter = try await following(broker, ["--from=latest"]) {
                try await until(broker) { admin in
                    let members = try await admin.describe(groups: ["g"])["g"]?.get().members
                    return members?.map { $0.assignment?.count ?? 0 } == [1, 1]
                }
                try await produce((0..<40).map { "\($0):\($0)\n" }.joined(), broker, key: true)
                try await until(stored: 43, broker)
            }.outcome
            try await produce((40..<60).map { "\($0):\($0)\n" }.joined(), broker, key: true)
            try await until(stored: 63, broker)
            return shorter
        }
        let all = ["a", "b", "c"] + (0..<60).map { "\($0)" }
        #expect((longer.lines + shorter.lines).sorted() == all.sorted())
        #expect(longer.lines.count > 23 && shorter.lines.count > 0)
    }

    @Test("a topic or a place that there is not is refused before the group hears of it")
    func refusals() async throws {
        let broker = try broker()
        let missing = await apus("consume", "u", "--group=g", at: broker.address)
        #expect(missing.code == .failed && missing.errors.contains("topic \"u\" does not exist"))
        for (option, reason) in [
            ("--from=7", "reset-offsets"), ("--partition=0", "members are given theirs"),
        ] {
            let refused = await apus("consume", "t", "--group=g", option, at: broker.address)
            #expect(refused.code == .usage && refused.errors.contains(reason))
        }
        let groups = await apus("group", "list", at: broker.address)
        #expect(!groups.output.contains("g "))
    }
}
