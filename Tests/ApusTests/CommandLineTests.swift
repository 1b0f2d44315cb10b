internal import BrokerHarness
internal import Foundation
internal import Primitives
internal import Testing

@testable internal import apus

@Suite struct CommandLineTests {
    @Test("help and version go to standard output, refusals to standard error with code 2")
    func conventions() {
        #expect(apus("--version").output.hasPrefix("apus "))
        #expect(apus("--help").output.contains("log dump|verify|stat"))
        #expect(apus("log", "--help").output.contains("--from-offset"))
        #expect(apus("log", "verify", "--help").code == .success)
        for outcome in [
            apus(), apus("lgo"), apus("log"), apus("log", "burn"), apus("log", "dump"),
            apus("log", "dump", "--jsn", "/"), apus("log", "dump", "--from-offset"),
            apus("log", "dump", "--from-offset=-1", "/"),
            apus("log", "dump", "--from-offset=2", "--to-offset=1", "/"),
            apus("log", "dump", "--json=yes", "/"), apus("log", "stat", "--topic=a", "/"),
            apus("log", "dump", "--from-time=noon", "/"),
            apus("log", "dump", "--topic=a", "--topic=b", "/"),
        ] {
            #expect(outcome.code == .usage && outcome.code.number == 2)
            #expect(outcome.output.isEmpty && outcome.errors.hasPrefix("apus"))
        }
    }

    @Test("a path that names nothing of a log is said, with code 66")
    func missing() throws {
        let place = try Place()
        try place.write(Bytes("x"), to: "letter.txt")
        for path in ["/nothing", "", "/letter.txt"] {
            let outcome = apus("log", "verify", place.path + path)
            #expect(outcome.code == .noInput)
            #expect(outcome.errors.contains(place.path + path))
        }
    }

    @Test("dots stand for the working directory, so that a partition knows its name")
    func dots() {
        func plain(_ path: String) -> String {
            Shell.inMemory("/logs/t-0").plain(path)
        }
        #expect(plain(".") == "/logs/t-0" && plain("..") == "/logs" && plain("./") == "/logs/t-0")
        #expect(plain("a//") == "a" && plain("/") == "/" && plain("../u-1/.") == "/logs/u-1")
    }

    @Test(
        "times are read and written in UTC",
        arguments: [
            ("1970-01-01T00:00:00.000Z", 0), ("2000-02-29T23:59:59.999Z", 951_868_799_999),
            ("2023-11-14T22:13:20.000Z", 1_700_000_000_000),
            ("1969-12-31T23:59:59.999Z", -1), ("2100-03-01T00:00:00.000Z", 4_107_542_400_000),
        ])
    func times(text: String, milliseconds: Int64) {
        #expect(UTCTime.text(Timestamp(milliseconds)) == text)
        #expect(UTCTime.parse(text) == Timestamp(milliseconds))
        #expect(UTCTime.parse("\(milliseconds)") == Timestamp(milliseconds))
    }

    @Test("what is no time is refused")
    func wrongTimes() {
        for text in ["", "now", "2023-02-29", "2023-13-01", "2023-1-1", "2023-01-01T25:00", "1.5"] {
            #expect(UTCTime.parse(text) == nil, "\(text)")
        }
        #expect(UTCTime.parse("2023-11-14T22:13") == Timestamp(1_699_999_980_000))
    }

    @Test("columns are as wide as their widest cell")
    func table() {
        let output = Output(.memory)
        var table = Table(["NAME", "SIZE"], rightAligned: [1])
        table.add(["a", "1"])
        table.add(["longer", "12345"])
        table.write(to: output)
        output.flush()
        #expect(output.contents.text == "NAME     SIZE\na           1\nlonger  12345\n")
    }

    @Test("numbers are written in full")
    func numbers() {
        let output = Output(.memory)
        for number in [0, -1, 10, Int64.max, Int64.min] {
            output.write(number)
            output.write(UInt8(ascii: " "))
        }
        output.flush()
        #expect(
            output.contents.text == "0 -1 10 9223372036854775807 -9223372036854775808 ")
    }
}

@Suite struct ExecutableTests {
    /// The command itself, built beside this test.
    private func start(
        _ arguments: [String], input: Pipe? = nil, output: Pipe
    ) throws -> Process {
        let process = Process()
        // The tests' bundle has no folder of its own: it lies beside the executables.
        process.executableURL = Bundle(for: Place.self).bundleURL.appendingPathComponent("apus")
        process.arguments = arguments
        if let input { process.standardInput = input }
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    @Test("the executable prints and exits as the command does")
    func prints() throws {
        let logs = try OwnLogs()
        _ = try logs.filled()
        let pipe = Pipe()
        let process = try start(["log", "dump", "--json", logs.path + "/t-0"], output: pipe)
        let data = try pipe.fileHandleForReading.readToEnd()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let expected = apus("log", "dump", "--json", logs.path + "/t-0").output
        #expect(data == Data(expected.utf8))
    }

    @Test("standard input is read to its end, and the exit code reaches the shell")
    func standardInput() throws {
        let broker = try TestBroker()
        let (input, output) = (Pipe(), Pipe())
        let server = ["--bootstrap-server", broker.address]
        let process = try start(["produce", "t"] + server, input: input, output: output)
        try input.fileHandleForWriting.write(contentsOf: Data("a\nb".utf8))
        try input.fileHandleForWriting.close()
        let said = try output.fileHandleForReading.readToEnd()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(said == Data("2 records acknowledged\n".utf8))

        broker.stop()
        let gone = try start(["topic", "list"] + server, output: Pipe())
        gone.waitUntilExit()
        #expect(gone.terminationStatus == 3)
    }

    @Test("whoever follows and whoever produces go on where they were after a restart")
    func restart() throws {
        let broker = try TestBroker(port: LoopbackPort.free())
        let server = ["--bootstrap-server", broker.address, "--timeout", "10m"]
        let create = try start(["topic", "create", "t"] + server, output: Pipe())
        create.waitUntilExit()
        let (lines, read, said) = (Pipe(), Pipe(), Pipe())
        let producer = try start(["produce", "t"] + server, input: lines, output: said)
        let place = ["--follow", "--from", "earliest", "--max", "2"]
        let consumer = try start(["consume", "t"] + place + server, output: read)
        try lines.fileHandleForWriting.write(contentsOf: Data("a\n".utf8))
        #expect(try read.fileHandleForReading.read(upToCount: 2) == Data("a\n".utf8))

        broker.stop()
        try lines.fileHandleForWriting.write(contentsOf: Data("b\n".utf8))
        try lines.fileHandleForWriting.close()
        try broker.restart()
        #expect(try read.fileHandleForReading.readToEnd() == Data("b\n".utf8))
        #expect(
            try said.fileHandleForReading.readToEnd() == Data("2 records acknowledged\n".utf8))
        for process in [producer, consumer] {
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
    }

    @Test("a reader that goes away ends a dump quietly, and a verification keeps its exit code")
    func closedPipe() throws {
        let logs = try OwnLogs()
        let name = try #require(try logs.filled().first)
        try logs.place.flip("t-0/" + name, at: 70)
        for (command, code) in [("verify", 1), ("stat", 0)] as [(String, Int32)] {
            let pipe = Pipe()
            try pipe.fileHandleForReading.close()
            let process = try start(["log", command, logs.path], output: pipe)
            process.waitUntilExit()
            #expect(process.terminationReason == .exit && process.terminationStatus == code)
        }
    }
}
