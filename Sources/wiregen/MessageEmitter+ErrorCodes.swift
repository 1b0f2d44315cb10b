/// What shows the error codes of a response: its own and those of what it holds.
extension MessageEmitter {
    /// What the structure says itself. A tagged one comes on top of another and is left out.
    private var ownCodes: [Field] {
        structure.fields.filter { field in
            field.base == .integer("int16") && !field.isArray && field.tag == nil
                && (field.name == "errorCode" || field.name.hasSuffix("ErrorCode"))
        }
    }

    /// Whether a response has error codes that are reached through the structure.
    var hasErrorCodes: Bool { !ownCodes.isEmpty || !holders.isEmpty }

    /// The fields that hold structures with error codes.
    private var holders: [Field] {
        structure.fields.filter { field in
            guard field.tag == nil, case .structure(let name) = field.base,
                let held = section.structure(named: name)
            else { return false }
            return MessageEmitter(section: section, structure: held).hasErrorCodes
        }
    }

    func errorCodes(_ output: inout Output) {
        let head =
            "package func forEachErrorCode(version: Int16, _ visit: (Int16) -> Void)"
        output.block(head) { output in
            for field in ownCodes {
                guarded(field.versions, &output) { $0.line("visit(\(field.access))") }
            }
            for field in holders {
                guarded(field.versions, &output) { visitAll(field, &$0) }
            }
        }
    }

    private func visitAll(_ field: Field, _ output: inout Output) {
        let visit = "forEachErrorCode(version: version, visit)"
        if field.isArray {
            let elements = field.isOptional ? "\(field.access) ?? []" : field.access
            output.block("for part in \(elements)") { $0.line("part.\(visit)") }
        } else {
            output.line("\(field.access)\(field.isOptional ? "?" : "").\(visit)")
        }
    }
}
