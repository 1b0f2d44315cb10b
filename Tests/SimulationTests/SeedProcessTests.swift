import Foundation
import Testing

/// `simulate` itself, built beside this test, and what it said.
private struct Run {
    private final class Here {}

    let code: Int32
    let lines: [String]
    let errors: String

    init(_ arguments: [String]) throws {
        let process = Process()
        let (output, errors) = (Pipe(), Pipe())
        let simulate = Bundle(for: Here.self).bundleURL.appendingPathComponent("simulate")
        // Ends the workers too: they are of one process group.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["60", simulate.path] + arguments
        // A trap's picture of the stack takes seconds.
        process.environment = ProcessInfo.processInfo.environment
            .merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // The few lines of errors fit into their pipe meanwhile.
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        self.errors = String(
            decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        code = process.terminationStatus
        lines = String(decoding: said, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The first line of what follows the command that repeats a failure.
    func reason(_ command: String) -> String? {
        lines.firstIndex(of: command).flatMap { $0 + 1 < lines.count ? lines[$0 + 1] : nil }
    }
}

@Suite("Seeds in processes")
struct SeedProcessTests {
    @Test("seeds that are all legal are counted, with code 0")
    func legal() throws {
        let run = try Run(["log", "--seeds", "11..40"])
        #expect(run.code == 0)
        #expect(run.lines.count == 1)
        #expect(run.lines.last?.hasPrefix("30 seeds in ") == true)
        #expect(run.lines.last?.hasSuffix(": all legal") == true)
    }

    @Test("a trap or a hang is a failure of its seed; all other seeds are run")
    func mishaps() throws {
        let run = try Run([
            "log", "--seeds", "1..60", "--limit", "3", "--trap-at", "1", "--trap-at", "2",
            "--hang-at", "30", "--trap-at", "60",
        ])
        #expect(run.code == 1)
        for seed in [1, 2, 60] {
            let reason = run.reason("simulate log --seed \(seed)")
            #expect(reason?.hasPrefix("  ended by signal ") == true)
        }
        #expect(run.reason("simulate log --seed 30") == "  no end after 3 seconds")
        #expect(run.lines.count == 9)
        #expect(run.lines.last?.hasPrefix("60 seeds in ") == true)
        #expect(run.lines.last?.hasSuffix(": 4 failed") == true)
        #expect(run.errors.components(separatedBy: "a trap that was asked for").count == 4)
    }

    @Test("no more than ten failures are told, and all are counted")
    func told() throws {
        let traps = (1...12).flatMap { ["--trap-at", "\($0)"] }
        let run = try Run(["log", "--seeds", "1..13"] + traps)
        #expect(run.lines.filter { $0.hasPrefix("simulate log --seed ") }.count == 10)
        #expect(run.lines.last?.hasPrefix("13 seeds in ") == true)
        #expect(run.lines.last?.hasSuffix(": 12 failed") == true)
    }

    @Test("a seed fails in a worker as it does alone, for the same reason")
    func violation() throws {
        let sabotage = ["--sabotage", "highWatermarkAhead"]
        let many = try Run(["--seeds", "1..3"] + sabotage)
        #expect(many.code == 1)
        #expect(many.lines.count == 7)
        #expect(many.lines.last?.hasSuffix(" 0 batches: 3 failed") == true)
        let command = "simulate --seed 2 --sabotage highWatermarkAhead"
        let alone = try Run(["--seed", "2"] + sabotage)
        #expect(alone.code == 1)
        #expect(alone.lines.first == command)
        #expect(alone.reason(command) != nil)
        #expect(many.reason(command) == alone.reason(command))
    }
}
