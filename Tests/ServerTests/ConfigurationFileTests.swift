import Primitives
import Server
import Testing

@Suite("The syntax of properties files")
struct PropertiesFileTests {
    private func entries(_ text: String) -> [String] {
        let parsed = PropertiesFile.parse(text, name: "f")
        #expect(parsed.problems.isEmpty)
        return parsed.properties.map { "\($0.key)|\($0.value)" }
    }

    @Test(
        "a key ends at =, : or a blank",
        arguments: [
            ("a=b", "a|b"), ("a:b", "a|b"), ("a b", "a|b"), ("a = b", "a|b"), ("a\t:\tb", "a|b"),
            ("  a=b", "a|b"), ("a==b", "a|=b"), ("a=b=c", "a|b=c"), ("a", "a|"), ("a=", "a|"),
            ("a=b  ", "a|b  "), ("a\\=b=c", "a=b|c"), ("a\\ b c", "a b|c"), ("a\u{c}b", "a|b"),
        ])
    func separators(line: String, entry: String) {
        #expect(entries(line) == [entry])
    }

    @Test("blank lines and comments are passed over, whatever ends the lines")
    func comments() {
        #expect(entries("# x=y\n\n  ! z\r\n \t \rk=v\r\n#end") == ["k|v"])
    }

    @Test("a backslash at the end of a line joins the next without its leading blanks")
    func continuation() {
        #expect(entries("a=b\\\n   c\\\r\n\td\ne=f") == ["a|bcd", "e|f"])
        #expect(entries("a=b\\\\\nc=d") == ["a|b\\", "c|d"])
        #expect(entries("a=b\\\n# no comment") == ["a|b# no comment"])
        #expect(entries("# comment \\\nc=d") == ["c|d"])
        #expect(entries("a=b\\") == ["a|b"])
    }

    @Test("escapes stand for their characters")
    func escapes() {
        #expect(entries("a=\\t\\n\\r\\f\\z\\\\") == ["a|\t\n\r\u{c}z\\"])
        #expect(entries("\\u0061=\\u00e9\\uD83D\\uDE00") == ["a|\u{e9}\u{1f600}"])
    }

    @Test("a \\u without four digits is refused with its line", arguments: ["\\u12", "\\u12g4"])
    func badEscape(escape: String) {
        let parsed = PropertiesFile.parse("ok=1\n\nbad=\(escape)\nfine=2", name: "f")
        #expect(parsed.problems == ["f:3: \\u needs four hexadecimal digits after it"])
        #expect(parsed.properties.map(\.key) == ["ok", "fine"])
    }

    @Test("no text at all makes the reader fail")
    func anything() {
        let alphabet = Array("\\\\\\\n\r\u{c} =:#!uu0aF9\u{e9}\u{1f600}")
        // A seed of its own, so that each run sees the same texts.
        var state: UInt64 = 42
        for _ in 0..<2000 {
            var text = ""
            for _ in 0..<20 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            let parsed = PropertiesFile.parse(text, name: "f")
            let properties = parsed.properties
            #expect(properties.count + parsed.problems.count <= 20)
            let settings = properties.map {
                Property(key: "listeners", value: $0.key + "://" + $0.value, origin: $0.origin)
            }
            _ = try? ConfigurationLoader.load(properties + settings, hostName: "here")
        }
    }

    @Test("an entry knows the line on which it starts")
    func lines() {
        let parsed = PropertiesFile.parse("a=1\r\n# c\r\nb=2\\\r\n 3\r\nc=4", name: "f")
        #expect(parsed.properties.map(\.origin) == ["f:1", "f:3", "f:5"])
    }
}

@Suite("The command line")
struct CommandLineTests {
    private func parse(
        _ arguments: [String], file: String? = nil, for daemon: DaemonCommandLine.Daemon = .brokerd
    ) throws -> CommandLineResult {
        let line = DaemonCommandLine(daemon, files: PosixFileSystem(), hostName: "here")
        guard let file else { return line.parse(arguments) }
        let path = "/tmp/apus-configuration-\(PosixRandom().next()).properties"
        try PosixFileSystem().open(path, .replace).write(Bytes(file), at: 0)
        defer { try? PosixFileSystem().remove(path) }
        return line.parse([path] + arguments)
    }

    private func failure(_ result: CommandLineResult) -> String {
        guard case .fail(let lines) = result else { return "no failure" }
        return lines.joined(separator: "\n")
    }

    @Test("no argument at all is a whole cluster")
    func nothing() throws {
        guard case .run(let configuration, let warnings) = try parse([]) else {
            Issue.record("should run")
            return
        }
        #expect(warnings.isEmpty)
        #expect(configuration.nodeID == BrokerID(1))
        #expect(configuration.listeners.map(\.description) == ["PLAINTEXT://127.0.0.1:9092"])
        #expect(configuration.advertisedListeners == configuration.listeners)
        #expect(configuration.logDirectories == ["./apus-data"])
    }

    @Test("an override counts over the file, and the last over the first")
    func overrides() throws {
        let result = try parse(
            ["--override", "num.partitions=3", "--override=num.partitions=4"],
            file: "num.partitions=2\nbroker.rack=r\n")
        guard case .run(let configuration, let warnings) = result else {
            Issue.record("should run")
            return
        }
        #expect(configuration.defaultPartitions == 4)
        #expect(configuration.rack == "r")
        #expect(warnings.isEmpty)
    }

    @Test("everything wrong is listed at once, with its place and the nearest right name")
    func allProblems() throws {
        let result = try parse(
            ["--overide", "--override", "nod.id=2"],
            file: """
                num.partitons=1
                log.segment.bytes=12
                delete.topic.enable=yes
                zookeeper.connect=z:2181
                retention.ms=5
                a=\\u1
                """)
        let text = failure(result)
        let expected = [
            "brokerd: no option is called --overide; did you mean --override?",
            ":1: no setting is called num.partitons; did you mean num.partitions?",
            ":2: log.segment.bytes=12 is not allowed: at least 1048576",
            ":3: delete.topic.enable=yes is neither true nor false",
            ":4: zookeeper.connect cannot be had: there is no ZooKeeper here",
            ":5: retention.ms is a setting of topics; the broker's default for it is "
                + "log.retention.ms",
            ":6: \\u needs four",
            "--override: no setting is called nod.id; did you mean node.id?",
        ]
        for line in expected { #expect(text.contains(line), "\(line) is missing in:\n\(text)") }
    }

    @Test("--help, --version and the settings' documentation are printed")
    func printed() throws {
        for (option, word) in [
            ("--help", "usage: brokerd"), ("--version", "brokerd "),
            ("--print-config-docs", "# Settings"),
        ] {
            guard case .print(let text) = try parse([option]) else {
                Issue.record("\(option) should print")
                continue
            }
            #expect(text.hasPrefix(word))
        }
    }

    @Test("a file that is not there is a sentence")
    func missingFile() throws {
        let text = failure(try parse(["/nonexistent/server.properties"]))
        #expect(text.contains("/nonexistent/server.properties cannot be read"))
    }

    @Test("a file that is not UTF-8 is read as Latin-1")
    func latin1() throws {
        let path = "/tmp/apus-configuration-\(PosixRandom().next()).properties"
        defer { try? PosixFileSystem().remove(path) }
        let bytes = Array("broker.rack=".utf8) + [0xe9]
        try PosixFileSystem().open(path, .replace).write(Bytes(bytes), at: 0)
        let line = DaemonCommandLine(.brokerd, files: PosixFileSystem(), hostName: "here")
        guard case .run(let configuration, _) = line.parse([path]) else {
            Issue.record("should run")
            return
        }
        #expect(configuration.rack == "\u{e9}")
    }

    @Test("controllerd says that it cannot start yet")
    func controller() throws {
        #expect(failure(try parse([], for: .controllerd)).contains("controllerd cannot start"))
        guard case .print = try parse(["--help"], for: .controllerd) else {
            Issue.record("--help should print")
            return
        }
    }
}
