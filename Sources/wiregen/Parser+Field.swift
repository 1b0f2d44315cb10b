/// One line of a section: `NAME: TYPE …`, and the small grammar of versions.
extension Parser {
    func field(_ line: Line, outer: Versions) throws(DefinitionError) -> Field {
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
    func versions(
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
