internal import BrokerHarness
internal import Client
internal import Foundation
internal import Primitives
internal import RecordFormat
internal import Testing

@testable internal import apus

@Suite("apus produce and apus consume, against a broker") struct RecordsTests {
    @Test("lines become records, wherever the input was cut, and come out again")
    func lines() async throws {
        let broker = try TestBroker()
        _ = await apus("topic", "create", "t", at: broker.address)
        let sent = await apus(
            "produce", "t", input: ["fir", "st\nsecond\n", "\nlast"], at: broker.address)
        #expect(sent.code == .success && sent.errors.isEmpty)
        #expect(sent.output == "4 records acknowledged\n")
        let read = await apus("consume", "t", at: broker.address)
        #expect(read.code == .success && read.output == "first\nsecond\n\nlast\n")
    }

    @Test(
        "keys, headers and nulls go in and out, and JSON is that of a log dump",
        arguments: Compression.allCases)
    func everything(compression: Compression) async throws {
        let broker = try TestBroker()
        let sent = await apus(
            "produce", "t", "--key-separator", ":", "--null", "NIL", "--header",
            "h=1", "--header=g=", "--compression", compression.description,
            input: ["k:v:w\nNIL:x\ny:NIL\n"], at: broker.address)
        #expect(sent.output == "3 records acknowledged\n")
        let read = try await apus("consume", "t", "--json", at: broker.address).objects()
        #expect(read.map { $0["key"] as? String } == ["k", nil, "y"])
        #expect(read.map { $0["value"] as? String } == ["v:w", "x", nil])
        #expect(read.map { $0["offset"] as? Int } == [0, 1, 2])
        #expect(read[0]["topic"] as? String == "t" && read[0]["partition"] as? Int == 0)
        #expect(read[0]["headers"] as? [[String]] == [["h", "1"], ["g", ""]])
        let plain = await apus(
            "consume", "t", "--key-separator=:", "--null=NIL", at: broker.address)
        #expect(plain.output == "k:v:w\nNIL:x\ny:NIL\n")
        let details = await apus("consume", "t", "--details", "--max=1", at: broker.address)
        #expect(details.output.hasPrefix("t-0 0 20"))
        #expect(
            details.output.hasSuffix(
                " key=\"k\" value=\"v:w\" header \"h\"=\"1\" header \"g\"=\"\"\n"))
    }

    @Test("a key goes to the partition that Kafka's clients choose; others take turns")
    func partitions() async throws {
        let broker = try TestBroker()
        _ = await apus("topic", "create", "t", "--partitions=3", at: broker.address)
        _ = await apus(
            "produce", "t", "--key-separator=:", input: ["foobar:1\n21:2\n"], at: broker.address)
        let keyed = try await apus("consume", "t", "--json", at: broker.address).objects()
        let places = Dictionary(
            uniqueKeysWithValues: keyed.map {
                ($0["key"] as? String ?? "", $0["partition"] as? Int)
            })
        // murmur2 of the two: -790332482 and -973932308.
        #expect(places["foobar"] == (-790_332_482 & 0x7fff_ffff) % 3)
        #expect(places["21"] == (-973_932_308 & 0x7fff_ffff) % 3)

        _ = await apus(
            "produce", "t", "--batch-size=500", input: [(0..<300).map { "value \($0)\n" }.joined()],
            at: broker.address)
        let described = try await apus("topic", "describe", "t", "--json", at: broker.address)
            .objects()
        let ends = (described[0]["partitions"] as? [[String: Any]])?.map { $0["end"] as? Int ?? 0 }
        #expect(ends?.reduce(0, +) == 302 && ends?.contains { $0 < 50 } == false)
        let one = await apus("produce", "t", "--partition=1", input: ["x\n"], at: broker.address)
        #expect(one.output == "1 record acknowledged\n")
        let none = await apus("produce", "t", "--partition=3", input: ["x\n"], at: broker.address)
        #expect(none.code == .failed && none.errors.contains("partition 3 of topic \"t\""))
    }

    @Test("a part of a topic is read: from an offset, from a time, some records, one partition")
    func places() async throws {
        let broker = try TestBroker()
        let cluster = try Cluster.of(broker)
        _ = try await Admin(cluster).create(NewTopic(name: "t", partitions: 2))
        let first = TopicPartition(topic: "t", partition: PartitionIndex(0))
        try await TestRecords.append(10, to: first, from: Timestamp(1_700_000_000_000), cluster)
        await cluster.close()

        #expect(
            await apus("consume", "t", "--from=8", "--partition=0", at: broker.address).output
                == "8\n9\n")
        #expect(
            await apus("consume", "t", "--from=2023-11-14T22:13:27Z", at: broker.address).output
                == "7\n8\n9\n")
        #expect(
            await apus("consume", "t", "--from=earliest", "--max=2", at: broker.address).output
                == "0\n1\n")
        #expect(await apus("consume", "t", "--from=latest", at: broker.address).output.isEmpty)
        #expect(await apus("consume", "t", "--partition=1", at: broker.address).output.isEmpty)

        let beyond = await apus(
            "consume", "t", "--from=11", "--partition=0", "--follow", at: broker.address)
        #expect(beyond.code == .failed)
        #expect(beyond.errors.contains("begins at 0 and ends at 10 (OFFSET_OUT_OF_RANGE)"))
    }

    @Test("following sees what is written meanwhile")
    func follow() async throws {
        let broker = try TestBroker()
        _ = await apus("topic", "create", "t", "--partitions=2", at: broker.address)
        async let read = apus(
            "consume", "t", "--follow", "--from=earliest", "--max=3", at: broker.address)
        _ = await apus("produce", "t", "--partition=0", input: ["1\n"], at: broker.address)
        _ = await apus("produce", "t", "--partition=1", input: ["2\n"], at: broker.address)
        _ = await apus("produce", "t", "--partition=0", input: ["3\n"], at: broker.address)
        let seen = await read
        #expect(seen.code == .success && seen.lines.sorted() == ["1", "2", "3"])
    }

    @Test("a record that the cluster refuses is counted and said, the others are written")
    func refused() async throws {
        let broker = try TestBroker()
        _ = await apus(
            "topic", "create", "t", "--config", "max.message.bytes=200", at: broker.address)
        let long = String(repeating: "x", count: 1000)
        let sent = await apus(
            "produce", "t", "--batch-size=1", input: ["a\n\(long)\nb\n"], at: broker.address)
        #expect(sent.code == .failed)
        #expect(sent.output == "2 records acknowledged, 1 failed\n")
        #expect(sent.errors.contains("MESSAGE_TOO_LARGE"))
        #expect(await apus("consume", "t", at: broker.address).output == "a\nb\n")
    }

    @Test("what is refused is said while the input goes on, and once")
    func refusedMeanwhile() async throws {
        let broker = try TestBroker()
        _ = await apus(
            "topic", "create", "t", "--config", "max.message.bytes=200", at: broker.address)
        let errors = Output(.memory)
        let clock = PosixClock()
        let end = clock.monotonic().adding(milliseconds: 300_000)
        let long = Bytes(String(repeating: "x", count: 1000) + "\n")
        let shell = Shell.inMemory("/", errors: errors) {
            // It does not end before something was said.
            errors.contents.isEmpty && clock.monotonic() < end ? long : .empty
        }
        let code = await Apus.run(
            [
                "produce", "t", "--batch-size=1", "--bootstrap-server", broker.address,
                "--timeout=10m",
            ], shell)
        #expect(code == .failed && clock.monotonic() < end)
        let said = try #require(errors.contents.text)
        #expect(said.contains("MESSAGE_TOO_LARGE"))
        #expect(said.split(separator: "\n").count == 1)
    }

    @Test(
        "a broker that goes away ends it with code 3; what was not sent is said where there is any")
    func gone() async throws {
        for hasMore in [false, true] {
            let broker = try TestBroker()
            _ = await apus("topic", "create", "t", at: broker.address)
            let errors = Output(.memory)
            var pieces = 0
            let shell = Shell.inMemory("/", errors: errors) {
                pieces += 1
                if pieces == 1 { return Bytes("a\n") }
                if pieces == 2 {
                    broker.stop()
                    return Bytes("b\n")
                }
                try await Task.sleep(for: .milliseconds(10))
                return hasMore ? Bytes("c") : .empty
            }
            let code = await Apus.run(
                ["produce", "t", "--bootstrap-server", broker.address, "--timeout=1s"], shell)
            #expect(code == .unreachable)
            // On a machine that is busy the time may be up before it comes so far.
            if pieces < 3 { continue }
            let said = errors.contents.text ?? ""
            #expect(said.contains("the input behind line 2 was not sent") == hasMore)
        }
    }

    @Test("a line without the separator ends it, with the line's number")
    func separator() async throws {
        let broker = try TestBroker()
        let sent = await apus(
            "produce", "t", "--key-separator=:", input: ["a:1\nb\nc:3\n"], at: broker.address)
        #expect(sent.code == .failed && sent.output == "1 record acknowledged\n")
        #expect(sent.errors.contains("line 2 has no \":\""))
    }

    @Test("a topic that does not exist is said, and not made by reading it")
    func missing() async throws {
        let broker = try TestBroker()
        let read = await apus("consume", "no", at: broker.address)
        #expect(read.code == .failed && read.errors.contains("topic \"no\" does not exist"))
    }

    @Test("without acknowledgements none is promised; a broker that is gone ends with code 3")
    func acknowledgements() async throws {
        let broker = try TestBroker()
        let none = await apus("produce", "t", "--acks=0", input: ["x\ny\n"], at: broker.address)
        #expect(none.code == .success)
        #expect(none.output == "2 records sent, none acknowledged (acks 0)\n")
        // They left, though nobody said so: the broker writes them in its own time.
        let clock = PosixClock()
        let end = clock.monotonic().adding(milliseconds: 300_000)
        var read = ""
        while read != "x\ny\n", clock.monotonic() < end {
            read = await apus("consume", "t", at: broker.address).output
        }
        #expect(read == "x\ny\n")
        broker.stop()
        let gone = await apus("produce", "t", input: ["x\n"], at: broker.address)
        #expect(gone.code == .unreachable && gone.output == "0 records acknowledged\n")
    }

    @Test("command lines that make no sense are refused before anyone is asked")
    func usage() async {
        let lines: [[String]] = [
            ["produce"], ["produce", "a", "b"], ["produce", "t", "--acks=2"],
            ["produce", "t", "--compression=zip"], ["produce", "t", "--key-separator="],
            ["produce", "t", "--header=x"], ["produce", "t", "--group=g"], ["consume"],
            ["consume", "t", "--from=noon"], ["consume", "t", "--from=-1"],
            ["consume", "t", "--max=0"], ["consume", "t", "--partition=x"],
        ]
        for line in lines {
            #expect(await Apus.run(line, Shell.inMemory("/")) == .usage, "\(line)")
        }
    }
}
