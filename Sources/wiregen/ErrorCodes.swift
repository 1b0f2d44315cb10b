/// Reads the list of error codes: `CODE NAME [retriable]: MESSAGE` a line.
func parseErrors(_ text: String, path: String) throws(DefinitionError) -> [ErrorDefinition] {
    var errors: [ErrorDefinition] = []
    for line in try lines(of: text, path: path) {
        func fail(_ message: String) -> DefinitionError {
            DefinitionError(path: path, line: line.number, message: message)
        }
        if errors.isEmpty, line.words == ["errors"] { continue }
        let text = line.words.joined(separator: " ")
        guard let colon = text.firstIndex(of: ":") else { throw fail("no `:` before the message") }
        let head = text[..<colon].split(separator: " ")
        guard (2...3).contains(head.count), let code = Int(head[0]),
            head.count == 2 || head[2] == "retriable"
        else { throw fail("expected `CODE NAME [retriable]: MESSAGE`") }
        if let last = errors.last, code != last.code + 1 {
            throw fail("after \(last.code) comes \(last.code + 1), not \(code)")
        }
        errors.append(
            ErrorDefinition(
                code: code, name: String(head[1]), isRetriable: head.count == 3,
                message: String(text[text.index(after: colon)...].drop { $0 == " " })))
    }
    return errors
}

/// Writes the enumeration of error codes.
func errorEnumeration(_ errors: [ErrorDefinition], source: String) -> String {
    // `none` would be mistaken for the absence of an optional.
    func caseName(_ error: ErrorDefinition) -> String {
        error.code == 0 ? "noError" : escaped(camelCase(error.name))
    }
    var output = Output.file(source: source)
    output.line("/// What went wrong, as the protocol says it; `rawValue` goes over the wire.")
    output.block("package enum ErrorCode: Int16, CaseIterable, Sendable") { output in
        for error in errors {
            output.line("/// " + error.message)
            output.line("case \(caseName(error)) = \(error.code)")
        }
        output.line()
        output.line("/// Kafka's name.")
        output.line("package var name: String { text.name }")
        output.line("/// A sentence for whoever reads the answer.")
        output.line("package var message: String { text.message }")
        output.line()
        output.line("private var text: (name: String, message: String) {")
        output.indented { $0.line("Self.texts[Int(rawValue) + \(-(errors.first?.code ?? 0))]") }
        output.line("}")
        output.line()
        output.line("/// In order of the codes, which have no gap.")
        output.line("private static let texts: [(name: String, message: String)] = [")
        output.indented { output in
            for error in errors { output.line("(\"\(error.name)\", \"\(error.message)\"),") }
        }
        output.line("]")
        output.line()
        output.line("/// Whether the same request may succeed later without any change to it.")
        output.block("package var isRetriable: Bool") { output in
            output.line("switch self {")
            for error in errors where error.isRetriable {
                output.line("case .\(caseName(error)): true")
            }
            output.line("default: false")
            output.line("}")
        }
    }
    return output.text
}
