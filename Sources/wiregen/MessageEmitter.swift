/// Writes one structure of a message: its fields, how it is read and how it is written.
///
/// What is generated is plain: one statement a field, in wire order; everything shared lies in
/// WireProtocol's Runtime.
struct MessageEmitter {
    let section: Section
    let structure: Structure

    private var flexible: Versions? {
        guard let first = section.firstFlexible, first <= structure.versions.upperBound else {
            return nil
        }
        return max(first, structure.versions.lowerBound)...structure.versions.upperBound
    }

    /// The Swift expression for "this version has compact lengths".
    private func compact(for field: Field) -> String {
        guard let first = section.firstFlexible else { return "false" }
        if first <= field.versions.lowerBound { return "true" }
        if first > field.versions.upperBound { return "false" }
        return "compact"
    }

    private var usesCompact: Bool {
        structure.fields.contains { field in
            compact(for: field) == "compact" && (field.isArray || field.hasLength)
        }
    }

    private var tagged: [Field] {
        structure.fields.filter { $0.tag != nil }.sorted { ($0.tag ?? 0) < ($1.tag ?? 0) }
    }

    // MARK: Members

    func properties(_ output: inout Output) {
        for field in structure.fields {
            output.documentation(field.comment)
            let initial = field.swiftInitial.map { " = " + $0 } ?? ""
            output.line("package var \(field.swiftName): \(field.swiftType)\(initial)")
        }
        if flexible != nil {
            output.line("package var unknownTaggedFields: [TaggedField] = []")
        }
        output.line()
        output.line("package init() {}")
    }

    /// The runs of untagged fields that the same versions have, in wire order.
    private var runs: [(versions: Versions, fields: [Field])] {
        var runs: [(versions: Versions, fields: [Field])] = []
        for field in structure.fields where field.tag == nil {
            if let last = runs.last, last.versions == field.versions {
                runs[runs.count - 1].fields.append(field)
            } else {
                runs.append((field.versions, [field]))
            }
        }
        return runs
    }

    func guarded(
        _ versions: Versions, _ output: inout Output, _ body: (inout Output) -> Void
    ) {
        if let condition = condition(versions, in: structure.versions) {
            output.block("if \(condition)", body)
        } else {
            body(&output)
        }
    }

    private func compactConstant(_ output: inout Output) {
        if usesCompact, let first = section.firstFlexible {
            output.line("let compact = version >= \(first)")
        }
    }

    // MARK: Reading

    func decoder(_ output: inout Output, isRoot: Bool) {
        let head =
            "package init(from reader: inout ByteReader, version: Int16) throws(DecodeError)"
        output.block(head) { output in
            if isRoot { output.line("try reader.check(version, in: Self.versions)") }
            compactConstant(&output)
            for run in runs {
                guarded(run.versions, &output) { output in
                    for field in run.fields { output.line("\(field.access) = \(read(field))") }
                }
            }
            if let flexible {
                guarded(flexible, &output) { output in readTags(&output) }
            }
        }
    }

    private func readTags(_ output: inout Output) {
        if tagged.isEmpty {
            output.line("unknownTaggedFields = try reader.readTaggedFields()")
            return
        }
        output.line("var tags = try TagCursor(&reader)")
        output.block("while try tags.advance(&reader)") { output in
            output.line("switch tags.tag {")
            for field in tagged {
                let when = condition(field.versions, in: flexible ?? structure.versions)
                let clause = when.map { " where " + $0 } ?? ""
                output.line("case \(field.tag ?? 0)\(clause): \(field.access) = \(read(field))")
            }
            output.line("default: unknownTaggedFields.append(try tags.unknown(&reader))")
            output.line("}")
        }
    }

    private func nullability(_ field: Field) -> String? {
        guard let nullable = field.nullable else { return nil }
        return "nullable: " + (condition(nullable, in: field.versions) ?? "true")
    }

    private func read(_ field: Field) -> String {
        let compact = "compact: \(compact(for: field))"
        let lengths = [nullability(field), compact].compactMap { $0 }.joined(separator: ", ")
        if field.isArray {
            switch field.base {
            case .structure(let name):
                return "try reader.readArray(of: \(name).self, \(lengths), version: version)"
            case .string: return "try reader.readStrings(\(lengths))"
            case .uuid: return "try reader.readUUIDs(\(lengths))"
            default: return "try reader.readIntegers(\(field.elementType).self, \(lengths))"
            }
        }
        switch field.base {
        case .integer: return "try reader.read\(field.elementType)()"
        case .float64: return "try reader.readFloat64()"
        case .bool: return "try reader.readBool()"
        case .uuid: return "try reader.readUUID()"
        case .string: return "try reader.readString(\(lengths))"
        case .bytes: return "try reader.readBytes(\(lengths))"
        case .records:
            return "try reader.readRecords(\(nullability(field) ?? "nullable: false"), \(compact))"
        case .structure(let name):
            return field.isOptional
                ? "try reader.readNullable(\(name).self, version: version)"
                : "try \(name)(from: &reader, version: version)"
        }
    }

    // MARK: Writing

    func encoder(_ output: inout Output) {
        output.block("package func encode(into writer: inout ByteWriter, version: Int16)") {
            output in
            compactConstant(&output)
            for run in runs {
                guarded(run.versions, &output) { output in
                    for field in run.fields { output.line(write(field, to: "writer")) }
                }
            }
            if let flexible {
                guarded(flexible, &output) { output in writeTags(&output) }
            }
        }
    }

    private func writeTags(_ output: inout Output) {
        if tagged.isEmpty {
            output.line("writer.write(taggedFields: unknownTaggedFields)")
            return
        }
        output.line("var tags = TagWriter(unknownTaggedFields)")
        for field in tagged {
            let when = condition(field.versions, in: flexible ?? structure.versions)
            let clauses = [when, field.comparison(equal: false)].compactMap { $0 }.joined(
                separator: ", ")
            output.block("if \(clauses)") { output in
                output.line("var field = ByteWriter(capacity: 64)")
                output.line(write(field, to: "field"))
                output.line("tags.add(\(field.tag ?? 0), field.finish())")
            }
        }
        output.line("tags.finish(into: &writer)")
    }

    private func write(_ field: Field, to writer: String) -> String {
        let name = field.access
        let compact = "compact: \(compact(for: field))"
        let lengths = [nullability(field), compact].compactMap { $0 }.joined(separator: ", ")
        if field.isArray {
            switch field.base {
            case .structure:
                return "\(writer).write(array: \(name), \(lengths), version: version)"
            case .string: return "\(writer).write(strings: \(name), \(lengths))"
            case .uuid: return "\(writer).write(ids: \(name), \(lengths))"
            default: return "\(writer).write(integers: \(name), \(lengths))"
            }
        }
        switch field.base {
        case .integer, .float64, .bool, .uuid: return "\(writer).write(\(name))"
        case .string: return "\(writer).write(string: \(name), \(lengths))"
        case .bytes: return "\(writer).write(bytes: \(name), \(lengths))"
        case .records:
            let nullable = nullability(field) ?? "nullable: false"
            return "\(writer).write(records: \(name), \(nullable), \(compact))"
        case .structure:
            return field.isOptional
                ? "\(writer).write(nullable: \(name), version: version)"
                : "\(name).encode(into: &\(writer), version: version)"
        }
    }

    // MARK: Comparison with the initial value

    /// A tagged structure is left out when nothing in it was set.
    func initialCheck(_ output: inout Output) {
        output.line()
        output.block("var isInitial: Bool") { output in
            let conditions = structure.fields.map { $0.comparison(equal: true) }
            output.line("guard \(conditions.joined(separator: ", ")) else { return false }")
            output.line(flexible == nil ? "return true" : "return unknownTaggedFields.isEmpty")
        }
    }
}

extension Field {
    /// Whether the value is written with a length whose form depends on the version.
    var hasLength: Bool {
        switch base {
        case .string, .bytes, .records: true
        default: false
        }
    }
}
