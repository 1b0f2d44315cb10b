/// Refuses what the notation can say but the generator, or Kafka's format, cannot carry.
func check(_ definition: Definition) throws(DefinitionError) {
    func fail(_ line: Int, _ message: String) -> DefinitionError {
        DefinitionError(path: definition.path, line: line, message: message)
    }
    let expected = definition.kind.roles
    guard definition.sections.map(\.role) == expected else {
        let names = expected.map(\.rawValue).joined(separator: ", then ")
        throw fail(1, "expected the sections \(names)")
    }
    for section in definition.sections {
        for structure in [section.root] + section.nested {
            var names: Set<String> = []
            var tags: Set<Int> = []
            for field in structure.fields {
                guard names.insert(field.name).inserted else {
                    throw fail(field.line, "two fields `\(field.name)` in \(structure.name)")
                }
                if let tag = field.tag, !tags.insert(tag).inserted {
                    throw fail(field.line, "tag \(tag) twice in \(structure.name)")
                }
                if let problem = problem(of: field, in: section) {
                    throw fail(field.line, "\(field.name): \(problem)")
                }
            }
        }
    }
}

private func problem(of field: Field, in section: Section) -> String? {
    if field.tag != nil {
        guard let first = section.firstFlexible, field.versions.lowerBound >= first else {
            return "a tagged field in a version that is not flexible"
        }
        if field.base == .records { return "records cannot be tagged" }
    }
    if case .structure(let name) = field.base {
        guard section.structure(named: name) != nil else { return "no structure `\(name)`" }
        if !field.isArray, let nullable = field.nullable {
            if nullable != field.versions { return "a structure is nullable always or never" }
            if field.initial != .null { return "a nullable structure needs `= null`" }
        }
    }
    switch field.initial {
    case .empty: break
    case .null:
        if !field.isOptional, field.base != .records { return "null needs a type with `?`" }
    case .number(let number):
        guard !field.isArray, case .integer(let type) = field.base else {
            return "a number as the default of something else"
        }
        if !fits(number, type) { return "\(number) does not fit \(type)" }
    case .bool: if field.isArray || field.base != .bool { return "a truth value for no bool" }
    }
    if field.isArray, [.bool, .float64, .bytes, .records].contains(field.base) {
        return "arrays of this type do not occur in the protocol"
    }
    if field.isOptional, !field.isArray {
        switch field.base {
        case .string, .bytes, .records, .structure: break
        default: return "a type that has no null"
        }
    }
    return nil
}

private func fits(_ number: Int64, _ type: String) -> Bool {
    switch type {
    case "int8": Int8(exactly: number) != nil
    case "int16": Int16(exactly: number) != nil
    case "int32": Int32(exactly: number) != nil
    case "uint16": UInt16(exactly: number) != nil
    case "uint32": UInt32(exactly: number) != nil
    default: true
    }
}
