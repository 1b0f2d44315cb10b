/// Reads one definition file. The notation is described in Sources/WireProtocol/README.md.
///
/// Throws at the first thing that is wrong, with file and line.
struct Parser {
    let path: String
    private let lines: [Line]
    private var position = 0

    static func parse(_ text: String, path: String) throws(DefinitionError) -> Definition {
        var parser = Parser(path: path, lines: try wiregen.lines(of: text, path: path))
        let definition = try parser.definition()
        try check(definition)
        return definition
    }

    private init(path: String, lines: [Line]) {
        self.path = path
        self.lines = lines
    }

    private func error(_ line: Int, _ message: String) -> DefinitionError {
        DefinitionError(path: path, line: line, message: message)
    }

    private var current: Line? { position < lines.count ? lines[position] : nil }

    // MARK: The head

    private mutating func definition() throws(DefinitionError) -> Definition {
        guard let head = current, head.depth == 0 else {
            throw error(current?.number ?? 1, "a file starts with a head such as `api 0 Produce`")
        }
        let (kind, name) = try kind(of: head)
        position += 1
        var definition = Definition(
            path: path, comment: head.comment, kind: kind, name: name, versions: 0...0,
            firstFlexible: nil, listeners: [], aliases: [], sections: [])
        try attributes(of: &definition, head: head)
        while let line = current { try section(line, of: &definition) }
        return definition
    }

    private func kind(of head: Line) throws(DefinitionError) -> (Definition.Kind, String) {
        let words = head.words
        if words.count == 2, words[0] == "data" { return (.data, String(words[1])) }
        guard words.count == 3, let number = Int(words[1]), number >= 0 else {
            throw error(
                head.number,
                "expected `api|metadata|group|transaction|share NUMBER NAME` or `data NAME`")
        }
        let name = String(words[2])
        switch words[0] {
        case "api": return (.api(number), name)
        case "metadata": return (.metadata(number), name)
        default:
            guard let log = Definition.Log(rawValue: String(words[0])) else {
                throw error(head.number, "unknown kind of definition `\(words[0])`")
            }
            return (.keyed(log, number), name)
        }
    }

    private mutating func attributes(
        of definition: inout Definition, head: Line
    ) throws(DefinitionError) {
        var hasVersions = false
        var hasFlexible = false
        while let line = current, Section.Role(rawValue: String(line.words[0])) == nil {
            let values = line.words.dropFirst()
            switch (line.words[0], values.count) {
            case ("versions", 1):
                definition.versions = try versions(line.words[1], outer: nil, line: line)
                hasVersions = true
            case ("flexible", 1):
                hasFlexible = true
                if line.words[1] == "none" { break }
                definition.firstFlexible =
                    try versions(line.words[1], outer: definition.versions, line: line).lowerBound
            case ("listeners", 1...): definition.listeners = values.map(String.init)
            case ("alias", 1):
                guard let alias = Int(line.words[1]) else {
                    throw error(line.number, "expected a number after `alias`")
                }
                definition.aliases.append(alias)
            default:
                throw error(line.number, "unknown attribute `\(line.words.joined(separator: " "))`")
            }
            position += 1
        }
        guard hasVersions, hasFlexible else {
            throw error(head.number, "the head needs `versions` and then `flexible`")
        }
    }

    // MARK: Sections

    private mutating func section(
        _ line: Line, of definition: inout Definition
    ) throws(DefinitionError) {
        guard line.depth == 0, line.words.count == 1,
            let role = Section.Role(rawValue: String(line.words[0])),
            definition.kind.roles.contains(role),
            !definition.sections.contains(where: { $0.role == role })
        else {
            let roles = definition.kind.roles.map(\.rawValue).joined(separator: ", ")
            throw error(line.number, "expected one section each of: \(roles)")
        }
        position += 1
        // A key has one layout for ever: Kafka makes a new record type instead of a new version.
        let isKey = role == .key
        let versions = isKey ? 0...0 : definition.versions
        let name = definition.swiftName(role)
        var section = Section(
            role: role, swiftName: name, versions: versions,
            firstFlexible: isKey ? nil : definition.firstFlexible,
            root: Structure(
                name: name, comment: definition.comment, versions: versions, fields: []),
            nested: [])
        let fields = try fields(at: 1, outer: versions, section: &section)
        section.root.fields = fields
        definition.sections.append(section)
    }

    /// Fields, and `struct` declarations among them, that stand at `depth`.
    private mutating func fields(
        at depth: Int, outer: Versions, section: inout Section
    ) throws(DefinitionError) -> [Field] {
        var fields: [Field] = []
        while let line = current, line.depth >= depth {
            guard line.depth == depth else {
                throw error(line.number, "indented deeper than the field above allows")
            }
            position += 1
            if line.words[0] == "struct" {
                try shared(line, outer: outer, section: &section)
                continue
            }
            let field = try field(line, outer: outer)
            fields.append(field)
            guard let next = current, next.depth > depth else { continue }
            guard case .structure(let name) = field.base else {
                throw error(next.number, "`\(field.name)` is no structure and has no fields")
            }
            try nest(name, line: line, versions: field.versions, comment: [], in: &section)
        }
        return fields
    }

    /// `struct Name [versions]`: a structure that several fields share.
    private mutating func shared(
        _ line: Line, outer: Versions, section: inout Section
    ) throws(DefinitionError) {
        guard line.depth == 1, (2...3).contains(line.words.count) else {
            throw error(line.number, "expected `struct NAME [VERSIONS]` directly in a section")
        }
        let versions =
            line.words.count == 3
            ? try versions(line.words[2], outer: outer, line: line) : outer
        try nest(
            String(line.words[1]), line: line, versions: versions, comment: line.comment,
            in: &section)
    }

    /// The structure whose fields stand below `line`.
    private mutating func nest(
        _ name: String, line: Line, versions: Versions, comment: [String], in section: inout Section
    ) throws(DefinitionError) {
        if section.structure(named: name) != nil {
            throw error(line.number, "structure `\(name)` is defined twice")
        }
        let place = section.nested.count
        section.nested.append(
            Structure(name: name, comment: comment, versions: versions, fields: []))
        let fields = try fields(at: line.depth + 1, outer: versions, section: &section)
        section.nested[place].fields = fields
        if fields.isEmpty { throw error(line.number, "structure `\(name)` has no fields") }
    }

    // MARK: A field

    private func field(_ line: Line, outer: Versions) throws(DefinitionError) -> Field {
        guard line.words.count >= 2, line.words[0].hasSuffix(":"), line.words[0].count > 1 else {
            throw error(line.number, "expected `NAME: TYPE …`")
        }
        var type = line.words[1]
        let isOptional = type.hasSuffix("?")
        if isOptional { type = type.dropLast() }
        let isArray = type.hasPrefix("[") && type.hasSuffix("]")
        if isArray { type = type.dropFirst().dropLast() }
        var field = Field(
            name: String(line.words[0].dropLast()), comment: line.comment,
            base: try base(type, line: line), isArray: isArray, nullable: nil,
            initial: .empty, versions: outer, tag: nil, line: line.number)
        if field.base == .records { field.initial = .null }
        var rest = line.words.dropFirst(2)
        var nullWord: Substring?
        while let word = rest.popFirst() {
            switch word {
            case "=": field.initial = try initial(try next(&rest, line), line: line)
            case "tag":
                guard let tag = Int(try next(&rest, line)), tag >= 0 else {
                    throw error(line.number, "expected a number after `tag`")
                }
                field.tag = tag
            case "null": nullWord = try next(&rest, line)
            default: field.versions = try versions(word, outer: outer, line: line)
            }
        }
        if isOptional {
            field.nullable =
                try nullWord.map { word throws(DefinitionError) in
                    try versions(word, outer: field.versions, line: line)
                } ?? field.versions
        } else if nullWord != nil {
            throw error(line.number, "`null` needs a type that ends in `?`")
        }
        return field
    }

    private func next(
        _ words: inout ArraySlice<Substring>, _ line: Line
    ) throws(DefinitionError) -> Substring {
        guard let word = words.popFirst() else {
            throw error(line.number, "the line ends where a value is expected")
        }
        return word
    }

    private func base(_ word: Substring, line: Line) throws(DefinitionError) -> Field.Base {
        switch word {
        case "int8", "int16", "int32", "int64", "uint16", "uint32": .integer(String(word))
        case "float64": .float64
        case "bool": .bool
        case "string": .string
        case "uuid": .uuid
        case "bytes": .bytes
        case "records": .records
        default:
            if word.first?.isUppercase == true {
                .structure(String(word))
            } else {
                throw error(line.number, "unknown type `\(word)`")
            }
        }
    }

    private func initial(_ word: Substring, line: Line) throws(DefinitionError) -> Initial {
        switch word {
        case "null": .null
        case "true": .bool(true)
        case "false": .bool(false)
        default:
            if let number = Int64(word) {
                .number(number)
            } else {
                throw error(line.number, "`\(word)` is neither a number, a truth value nor null")
            }
        }
    }

    /// `3`, `3-7` or `3+`; the last ends where `outer` ends, and all lie inside it.
    private func versions(
        _ word: Substring, outer: Versions?, line: Line
    ) throws(DefinitionError) -> Versions {
        let parts = word.split(separator: "-", omittingEmptySubsequences: false)
        var result: Versions?
        if word.hasSuffix("+"), let low = Int(word.dropLast()), let outer,
            low <= outer.upperBound
        {
            result = low...outer.upperBound
        } else if parts.count == 1, let only = Int(word) {
            result = only...only
        } else if parts.count == 2, let low = Int(parts[0]), let high = Int(parts[1]), low <= high {
            result = low...high
        }
        guard let result else {
            throw error(line.number, "`\(word)` is no range of versions (3, 3-7, 3+)")
        }
        if let outer, result.lowerBound < outer.lowerBound || result.upperBound > outer.upperBound {
            throw error(
                line.number,
                "versions \(word) reach outside \(outer.lowerBound)-\(outer.upperBound)")
        }
        return result
    }
}

extension Definition.Kind {
    var roles: [Section.Role] {
        switch self {
        case .api: [.request, .response]
        case .metadata: [.record]
        case .keyed: [.key, .value]
        case .data: [.data]
        }
    }
}

extension Definition {
    func swiftName(_ role: Section.Role) -> String {
        switch role {
        case .request: name + "Request"
        case .response: name + "Response"
        case .key: name + "Key"
        case .value: name + "Value"
        case .record, .data: name
        }
    }
}
