/// Writes the Swift file of one definition.
struct DefinitionEmitter {
    let definition: Definition

    func file() -> String {
        var output = Output.file(source: definition.path)
        output.line("package import Primitives")
        for section in definition.sections {
            output.line()
            emit(section, &output)
        }
        return output.text
    }

    private func emit(_ section: Section, _ output: inout Output) {
        output.documentation(section.root.comment)
        let conformance = conformance(of: section)
        output.block("package struct \(section.swiftName): \(conformance)") { output in
            statics(of: section, &output)
            body(section.root, in: section, isRoot: true, &output)
            for structure in section.nested {
                output.line()
                output.documentation(structure.comment)
                output.block("package struct \(structure.name): WireMessage") { output in
                    body(structure, in: section, isRoot: false, &output)
                }
            }
        }
    }

    private func conformance(of section: Section) -> String {
        switch section.role {
        case .request: "RequestMessage"
        case .response: "ResponseMessage"
        case .record: "MetadataRecordBody"
        case .key: "KeyedRecordKey"
        case .value, .data: "VersionedMessage"
        }
    }

    private func statics(of section: Section, _ output: inout Output) {
        if section.role == .request {
            output.line("package typealias Response = \(definition.name)Response")
        }
        switch definition.kind {
        case .api:
            let key = escaped(lowerFirst(definition.name))
            output.line("package static var apiKey: APIKey { .\(key) }")
        case .metadata(let type):
            output.line("package static var recordType: Int16 { \(type) }")
        case .keyed(_, let type):
            if section.role == .key {
                output.line("package static var recordType: Int16 { \(type) }")
            }
        case .data: break
        }
        let versions = "\(section.versions.lowerBound)...\(section.versions.upperBound)"
        output.line("package static var versions: ClosedRange<Int16> { \(versions) }")
        let first = section.firstFlexible.map(String.init) ?? "nil"
        output.line("package static var firstFlexibleVersion: Int16? { \(first) }")
        output.line()
    }

    private func body(
        _ structure: Structure, in section: Section, isRoot: Bool, _ output: inout Output
    ) {
        let emitter = MessageEmitter(section: section, structure: structure)
        emitter.properties(&output)
        output.line()
        emitter.decoder(&output, isRoot: isRoot)
        output.line()
        emitter.encoder(&output)
        if section.role == .response, emitter.hasErrorCodes {
            output.line()
            emitter.errorCodes(&output)
        }
        if !isRoot, comparedStructures(of: section).contains(structure.name) {
            emitter.initialCheck(&output)
        }
    }

    /// The structures that tagged fields hold, and those inside them.
    private func comparedStructures(of section: Section) -> Set<String> {
        var found: Set<String> = []
        var waiting: [String] = []
        func look(at field: Field) {
            if case .structure(let name) = field.base, !field.isArray, !field.isOptional {
                waiting.append(name)
            }
        }
        for structure in [section.root] + section.nested {
            for field in structure.fields where field.tag != nil { look(at: field) }
        }
        while let name = waiting.popLast() {
            if found.insert(name).inserted {
                section.structure(named: name)?.fields.forEach(look)
            }
        }
        return found
    }
}
