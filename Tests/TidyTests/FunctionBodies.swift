/// The bodies of a file's functions, initialisers and computed properties, by their first line.
enum FunctionBodies {
    struct Body: Equatable {
        /// Line of the declaration, from 0.
        let line: Int
        /// From the declaration to the closing brace, both counted.
        let count: Int
    }

    private static let functions: Set<String> = ["func", "init", "deinit", "subscript", "var"]
    private static let types: Set<String> = [
        "struct", "class", "enum", "extension", "protocol", "actor",
    ]
    private static let modifiers: Set<String> = [
        "package", "public", "internal", "private", "fileprivate", "static", "final", "override",
        "mutating", "nonmutating", "consuming", "borrowing", "required", "convenience", "indirect",
        "nonisolated", "unsafe", "lazy", "weak",
    ]

    static func find(in file: SourceFile) -> [Body] {
        var bodies: [Body] = []
        // For each open brace, the line of the function that it opens, if it opens one.
        var open: [Int?] = []
        var declaration: Int?
        for (number, line) in file.code.enumerated() {
            switch declared(by: line) {
            case .function: declaration = number
            case .type: declaration = nil
            case nil: break
            }
            for byte in line.utf8 {
                if byte == UInt8(ascii: "{") {
                    open.append(declaration)
                    declaration = nil
                } else if byte == UInt8(ascii: "}") {
                    if case let start?? = open.popLast() {
                        bodies.append(Body(line: start, count: number - start + 1))
                    }
                    declaration = nil
                }
            }
        }
        return bodies
    }

    private enum Declaration { case function, type }

    private static func declared(by line: String) -> Declaration? {
        let separators: Set<Character> = [" ", "(", "<", "?", ":", ")"]
        for word in line.split(whereSeparator: separators.contains) {
            let word = String(word)
            if functions.contains(word) { return .function }
            // `class func` is a function.
            if types.contains(word), !contains("func", in: line) { return .type }
            let isAttribute = word.hasPrefix("@") || word == "set" || word == "class"
            if !isAttribute, !modifiers.contains(word) { return nil }
        }
        return nil
    }
}
