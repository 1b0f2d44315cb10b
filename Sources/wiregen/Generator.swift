/// A file by its path below some folder, with `/` between the parts.
package struct TextFile {
    package var path: String
    package var text: String

    package init(path: String, text: String) {
        self.path = path
        self.text = text
    }
}

/// From definition files to Swift files; the same input gives the same output to the byte.
package struct Generator {
    /// Every definition but the error codes, sorted by kind and number.
    package let definitions: [Definition]
    private let errors: [ErrorDefinition]

    /// - Parameter files: those whose names end in `.wire`, in any order.
    package init(_ files: [TextFile]) throws(DefinitionError) {
        var definitions: [Definition] = []
        var errors: [ErrorDefinition] = []
        for file in files.sorted(by: { $0.path < $1.path }) {
            if file.path == Generator.errorsPath {
                errors = try parseErrors(file.text, path: file.path)
            } else {
                definitions.append(try Parser.parse(file.text, path: file.path))
            }
        }
        try Generator.checkUnique(definitions)
        self.definitions = definitions.sorted { $0.order < $1.order }
        self.errors = errors
    }

    private static let errorsPath = "ErrorCodes.wire"

    private static func checkUnique(_ definitions: [Definition]) throws(DefinitionError) {
        var names: [String: String] = [:]
        var numbers: [String: String] = [:]
        for definition in definitions {
            var taken = definition.sections.compactMap { section in
                names.updateValue(definition.path, forKey: section.swiftName)
            }
            for number in definition.numbers {
                if let other = numbers.updateValue(definition.path, forKey: number) {
                    taken.append(other)
                }
            }
            if let other = taken.first {
                throw DefinitionError(
                    path: definition.path, line: 1, message: "same name or number as \(other)")
            }
        }
    }

    /// All Swift files.
    package func generate() -> [TextFile] {
        var files = definitions.map { definition in
            TextFile(
                path: definition.path.dropLast(".wire".count) + ".swift",
                text: DefinitionEmitter(definition: definition).file())
        }
        let index = IndexEmitter(definitions: definitions)
        files.append(TextFile(path: "APITable.swift", text: index.apiTable()))
        files.append(TextFile(path: "AllMessages.swift", text: index.messageList()))
        files.append(
            TextFile(path: "Metadata/MetadataRecord.swift", text: index.metadataRecords()))
        for log in Definition.Log.allCases {
            let folder = log.rawValue.prefix(1).uppercased() + log.rawValue.dropFirst()
            files.append(
                TextFile(path: "\(folder)/\(folder)Record.swift", text: index.keyedRecords(log)))
        }
        files.append(
            TextFile(
                path: "ErrorCode.swift",
                text: errorEnumeration(errors, source: Generator.errorsPath)))
        return files.sorted { $0.path < $1.path }
    }
}

extension Definition {
    /// What must not occur twice: kind and number.
    fileprivate var numbers: [String] {
        switch kind {
        case .api(let key): ["api \(key)"]
        case .metadata(let type): ["metadata \(type)"]
        case .keyed(let log, let type): ([type] + aliases).map { "\(log.rawValue) \($0)" }
        case .data: []
        }
    }

    fileprivate var order: (Int, Int, String) {
        switch kind {
        case .api(let key): (0, key, name)
        case .metadata(let type): (1, type, name)
        case .keyed(let log, let type): (2, type, log.rawValue + name)
        case .data: (3, 0, name)
        }
    }
}
