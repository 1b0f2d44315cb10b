import Testing

@Suite("The checks read Swift as the compiler does")
struct ScannerTests {
    @Test(
        "comments and text are no code",
        arguments: [
            ("a // b", "a     "), ("a /* b /* c */ d */ e", "a                   e"),
            (#"a "b" c"#, "a     c"), (#"a "\"b" c"#, "a       c"),
            (##"a #"b"c"# d"##, "a         d"), ("a \"// b\" c", "a        c"),
            (#"a "b\(c("d"))e" f"#, "a     c(   )    f"),
            ("a \"\"\"\nb \"c\" d\n\"\"\" e", "a    \n       \n    e"),
        ])
    func blanks(text: String, code: String) {
        #expect(CodeOnly.blank(text) == code)
    }

    @Test("a word is found only when nothing clings to it")
    func words() {
        #expect(contains("try!", in: "let x = try! y()"))
        #expect(contains("Date()", in: "(Date())"))
        #expect(!contains("Date()", in: "myDate()"))
        #expect(!contains("actor", in: "factor actors"))
        #expect(!contains("async", in: "queue.async {", asMember: false))
        #expect(contains("async", in: "func f() async throws", asMember: false))
    }

    @Test("a function's lines are counted from its declaration to its closing brace")
    func bodies() {
        let file = SourceFile(
            path: "Sources/X/x.swift",
            text: """
                struct S {
                    let a = [
                        1, 2,
                    ]
                    package static func f(
                        x: Int
                    ) {
                        if x > 0 { g { } }
                    }
                    init() {}
                    var v: Int { 1 }
                }
                protocol P {
                    func requirement()
                    func another()
                }
                extension S {
                    func last() {
                    }
                }
                """)
        let counts = FunctionBodies.find(in: file).map { "\($0.line):\($0.count)" }
        #expect(counts == ["4:5", "9:1", "10:1", "17:2"])
    }
}
