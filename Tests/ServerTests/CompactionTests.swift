import Primitives
import Server
import Testing
import WireProtocol

/// The broker compacts its topics in the background.
@Suite struct CompactionTests {
    @Test("old values go while the broker runs, and it says so; they stay where it may not")
    func compacts() throws {
        let enabled = try BrokerFixture(["log.cleaner.backoff.ms=500"])
        let disabled = try BrokerFixture([
            "log.cleaner.backoff.ms=500", "log.cleaner.enable=false",
        ])
        let clients = try [enabled.connect(), disabled.connect()]
        for client in clients {
            try client.createTopic(
                "t",
                settings: [
                    ("cleanup.policy", "compact"), ("internal.segment.bytes", "400"),
                    ("min.cleanable.dirty.ratio", "0.1"),
                ])
            for number in 0..<40 {
                let answer = try client.produce("t", batch(["v\(number)"], key: "k\(number % 2)"))
                #expect(answer.errorCode == 0)
            }
        }
        let clock = PosixClock()
        let deadline = clock.monotonic().adding(milliseconds: 20_000)
        while !enabled.log.all.contains(where: { $0.hasPrefix("info log t-0 cleaned from 0") }) {
            try #require(clock.monotonic() < deadline, "nothing was cleaned")
            clock.pause(milliseconds: 10)
        }
        #expect(try !clients[0].values("t", from: 0).contains("v0"))
        #expect(try clients[0].values("t", from: 38) == ["v38", "v39"])
        #expect(try clients[1].values("t", from: 0).contains("v0"))
    }

    @Test("the cleaner's settings reach it, each thread with its share of the memory")
    func settings() throws {
        func parse(_ settings: [String]) throws -> BrokerConfiguration? {
            let command = DaemonCommandLine(
                .brokerd, files: PosixFileSystem(), hostName: "localhost")
            let parsed = command.parse(settings.flatMap { ["--override", $0] })
            guard case .run(let configuration, _) = parsed else { return nil }
            return configuration
        }
        let defaults = try #require(try parse([])).cleaner
        #expect(defaults.isEnabled && defaults.threads == 1 && defaults.mapBytes == 134_217_728)
        #expect(defaults.bytesPerSecond == .greatestFiniteMagnitude)
        #expect(defaults.backoffMilliseconds == 15_000 && defaults.mapLoadFactor == 0.9)
        let set = try #require(
            try parse([
                "log.cleaner.threads=2", "log.cleaner.dedupe.buffer.size=4194304",
                "log.cleaner.io.buffer.size=65536", "log.cleaner.backoff.ms=0",
                "log.cleaner.io.max.bytes.per.second=1000000",
            ])
        ).cleaner
        #expect(set.mapBytes == 2_097_152 && set.bufferBytes == 16_384)
        #expect(set.backoffMilliseconds == 500 && set.bytesPerSecond == 1_000_000)
        // Less than a megabyte a thread is refused.
        #expect(
            try parse(["log.cleaner.threads=8", "log.cleaner.dedupe.buffer.size=4194304"]) == nil)
    }
}
