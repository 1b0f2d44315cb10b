internal import Primitives
internal import Testing

@testable internal import apus

@Suite struct LineTests {
    @Test(
        "lines are the same, however the input is cut",
        arguments: ["", "a", "a\n", "\n", "a\nb", "\n\na\n", "long line\nand another one\n"])
    func cuts(text: String) throws {
        var expected = text.split(separator: "\n", omittingEmptySubsequences: false).map(
            String.init)
        if expected.last == "" { expected.removeLast() }
        for size in 1...max(text.utf8.count, 1) {
            var splitter = LineSplitter()
            var lines: [Bytes] = []
            let bytes = Bytes(text)
            for start in stride(from: 0, to: bytes.count, by: size) {
                lines += try splitter.add(bytes.slice(start..<min(start + size, bytes.count)))
            }
            if let last = splitter.end() { lines.append(last) }
            #expect(lines.map(\.text) == expected, "in pieces of \(size)")
        }
    }

    @Test("a line may not be longer than the limit; those before it are given")
    func tooLong() throws {
        var splitter = LineSplitter(limit: 10)
        let lines = try splitter.add(Bytes("short\n0123456789"))
        #expect(lines.map(\.text) == ["short"])
        #expect(throws: LineSplitter.TooLong.self) { try splitter.add(Bytes("x")) }
    }

    @Test("a separator of several bytes is found where it begins first")
    func separator() {
        let parts = Bytes("a::b::c").split(at: Bytes("::"))
        #expect(parts?.before.text == "a" && parts?.behind.text == "b::c")
        #expect(Bytes("a:").split(at: Bytes("::")) == nil)
        #expect(Bytes("::").split(at: Bytes("::"))?.behind.isEmpty == true)
    }
}
