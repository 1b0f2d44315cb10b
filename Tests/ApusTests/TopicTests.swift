internal import BrokerHarness
internal import Foundation
internal import Primitives
internal import Testing

@testable internal import apus

@Suite("apus topic, against a broker") struct TopicTests {
    @Test("a topic is created, listed, described, altered and deleted")
    func life() async throws {
        let broker = try TestBroker()
        let made = await apus(
            "topic", "create", "orders", "--partitions", "2", "--config", "retention.ms=1000",
            at: broker.address)
        #expect(made.code == .success && made.errors.isEmpty)
        #expect(made.output == "topic orders created, 2 partitions, 1 replica\n")

        #expect(
            await apus("topic", "list", at: broker.address).output == """
                TOPIC   PARTITIONS  REPLICAS
                orders           2         1

                """)

        let described = await apus("topic", "describe", "orders", at: broker.address)
        #expect(described.code == .success)
        #expect(described.lines[0].hasPrefix("topic orders  id "))
        #expect(described.lines[1] == "  retention.ms=1000")
        #expect(
            described.lines[2...].joined(separator: "\n") == """
                PARTITION  LEADER  REPLICAS  IN SYNC  START  END  COUNT
                        0       1  1         1            0    0      0
                        1       1  1         1            0    0      0
                """)

        let altered = await apus(
            "topic", "alter", "orders", "--partitions=3", "--config", "retention.bytes=5",
            "--delete-config", "retention.ms", at: broker.address)
        #expect(altered.code == .success)
        #expect(
            altered.output == """
                topic orders has 3 partitions
                topic orders has retention.bytes=5
                topic orders has no retention.ms of its own

                """)
        let after = try await apus("topic", "describe", "orders", "--json", at: broker.address)
            .objects()
        #expect((after[0]["partitions"] as? [Any])?.count == 3)
        let settings = try #require(after[0]["settings"] as? [[String: String]])
        #expect(settings == [["name": "retention.bytes", "value": "5", "source": "topic"]])

        let deleted = await apus("topic", "delete", "orders", at: broker.address)
        #expect(deleted.code == .success && deleted.output == "topic orders deleted\n")
        #expect(await apus("topic", "list", "--json", at: broker.address).output.isEmpty)
    }

    @Test("what the cluster refuses ends with code 1 and a sentence, and says what to do")
    func refusals() async throws {
        let broker = try TestBroker()
        _ = await apus("topic", "create", "t", at: broker.address)

        let again = await apus("topic", "create", "t", at: broker.address)
        #expect(again.code == .failed && again.code.number == 1)
        #expect(again.errors.hasPrefix("apus: topic \"t\": "))
        #expect(again.errors.contains("(TOPIC_ALREADY_EXISTS)"))
        let allowed = await apus("topic", "create", "t", "--if-not-exists", at: broker.address)
        #expect(allowed.code == .success && allowed.errors.isEmpty)
        var created: [Bool?] = []
        for name in ["t", "new"] {
            let outcome = await apus(
                "topic", "create", name, "--if-not-exists", "--json", at: broker.address)
            let object = try #require(try outcome.objects().first)
            #expect(object["topic"] as? String == name)
            created.append(object["created"] as? Bool)
        }
        #expect(created == [false, true])

        for arguments in [
            ["delete", "no"], ["describe", "no"], ["alter", "no", "--partitions=2"],
        ] {
            let outcome = await apus(
                "topic", arguments[0], arguments[1],
                arguments.last == "no" ? "--json" : arguments[2],
                at: broker.address)
            #expect(outcome.code == .failed, "\(arguments)")
            #expect(
                outcome.errors
                    == "apus: topic \"no\" does not exist; apus topic list shows which there are\n")
        }
        let fewer = await apus("topic", "alter", "t", "--partitions=1", at: broker.address)
        #expect(fewer.code == .failed && fewer.errors.contains("INVALID_PARTITIONS"))
        let wrong = await apus(
            "topic", "create", "u", "--config", "retention.ms=soon", at: broker.address)
        #expect(wrong.code == .failed && wrong.errors.contains("INVALID_CONFIG"))
    }

    @Test("of several topics those that exist are described, and the others said")
    func partly() async throws {
        let broker = try TestBroker()
        _ = await apus("topic", "create", "a", at: broker.address)
        _ = await apus("topic", "create", "b", at: broker.address)
        let outcome = await apus(
            "topic", "describe", "b", "no", "a", "--json", at: broker.address)
        #expect(outcome.code == .failed)
        #expect(try outcome.objects().map { $0["topic"] as? String } == ["b", "a"])
        #expect(outcome.errors.contains("\"no\" does not exist"))
    }

    @Test("a cluster that cannot be reached ends with code 3, which names the address")
    func unreachable() async throws {
        let broker = try TestBroker()
        let address = broker.address
        broker.stop()
        let outcome = await apus("topic", "list", at: address)
        #expect(outcome.code == .unreachable && outcome.code.number == 3)
        #expect(outcome.errors.hasPrefix("apus: no server answers: cannot connect to \(address)"))
        #expect(outcome.output.isEmpty)
    }

    @Test("command lines that make no sense are refused before anyone is asked")
    func usage() async {
        let lines: [[String]] = [
            [], ["burn"], ["list", "x"], ["create"], ["create", "a", "b"],
            ["create", "a", "--partitions=0"], ["create", "a", "--config", "x"], ["alter", "a"],
            ["describe"], ["delete"], ["list", "--timeout", "5"],
        ]
        for line in lines {
            let shell = Shell.inMemory("/")
            let code = await Apus.run(["topic"] + line, shell)
            #expect(code == .usage, "\(line)")
            #expect(shell.errors.contents.text?.hasPrefix("apus topic") == true)
        }
        let shell = Shell.inMemory("/")
        #expect(
            await Apus.run(["topic", "list", "--bootstrap-server", "a:b"], shell) == .usage)
    }
}
