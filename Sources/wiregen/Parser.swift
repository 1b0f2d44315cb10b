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

    func error(_ line: Int, _ message: String) -> DefinitionError {
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
