internal import Testing
internal import WireProtocol
internal import wiregen

@Suite struct GeneratorTests {
    @Test("the checked-in code is what the definitions give")
    func drift() throws {
        let present = try textFiles(below: Checkout.wireProtocol + "/Generated", suffix: ".swift")
        let generated = try Checkout.generator().generate()
        #expect(Drift.between(generated: generated, present: present) == [])
    }

    @Test("drift names the file that is missing, changed or left over")
    func driftKinds() {
        let files = ["a", "b"].map { TextFile(path: $0, text: "new") }
        let present = [TextFile(path: "b", text: "old"), TextFile(path: "c", text: "new")]
        #expect(
            Drift.between(generated: files, present: present)
                == [.missing("a"), .changed("b"), .superfluous("c")])
    }

    private static let head = "api 0 Ping\nversions 0-3\nflexible 2+\nlisteners broker\n"

    @Test(
        "a wrong definition is refused with its file, its line and what is wrong",
        arguments: [
            ("request\n    a: int33\n", 6, "unknown type `int33`"),
            ("request\n    a int32\n", 6, "expected `NAME: TYPE …`"),
            ("request\n   a: int32\n", 6, "indentation of 3 columns"),
            ("request\n        a: int32\n", 6, "indented deeper"),
            ("request\n    a: int32  5+\n", 6, "`5+` is no range of versions"),
            ("request\n    a: int32  2-4\n", 6, "versions 2-4 reach outside 0-3"),
            ("request\n    a: int32 =\n", 6, "the line ends where a value is expected"),
            ("request\n    a: int8 = 200\n\nresponse\n", 6, "a: 200 does not fit int8"),
            ("request\n    a: int32 = x\n", 6, "`x` is neither a number"),
            ("request\n    a: int32  tag 0\n\nresponse\n", 6, "a: a tagged field in a version"),
            ("request\n    a: T\n\nresponse\n", 6, "a: no structure `T`"),
            ("request\n    a: int32\n    a: int32\n\nresponse\n", 7, "two fields `a`"),
            ("request\n    a: int32\n        b: int32\n", 7, "`a` is no structure"),
            ("request\n    a: string  null 1+\n", 6, "`null` needs a type that ends in `?`"),
            ("request\n\nrequest\n", 7, "expected one section each of: request, response"),
            ("colour red\n", 5, "unknown attribute `colour red`"),
        ])
    func refusals(body: String, line: Int, message: String) throws {
        let error = try #require(throws: DefinitionError.self) {
            try Generator([TextFile(path: "ping.wire", text: Self.head + body)])
        }
        #expect(error.path == "ping.wire")
        #expect(error.line == line)
        #expect(error.message.hasPrefix(message), "\(error)")
    }

    @Test("two definitions with one number are refused")
    func duplicates() {
        let body = Self.head + "request\n\nresponse\n"
        let other = body.replacing("Ping", with: "Pong")
        #expect(throws: DefinitionError.self) {
            try Generator([
                TextFile(path: "a.wire", text: body), TextFile(path: "b.wire", text: other),
            ])
        }
    }
}
