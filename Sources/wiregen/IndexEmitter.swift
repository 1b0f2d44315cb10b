/// Writes the files that list all definitions: the API table and the enumerations of records.
struct IndexEmitter {
    let definitions: [Definition]

    // MARK: APIs

    func apiTable() -> String {
        var output = Output.file(source: "all API definitions")
        let apis = definitions.compactMap { definition -> (key: Int, definition: Definition)? in
            if case .api(let key) = definition.kind { return (key, definition) }
            return nil
        }
        output.block("extension APIKey") { output in
            for (key, api) in apis {
                let name = escaped(lowerFirst(api.name))
                output.line("package static let \(name) = APIKey(rawValue: \(key))")
            }
        }
        output.line()
        output.block("extension APIDescription") { output in
            output.line("/// Every API that is defined, in order of its key.")
            output.line("package static let all: [APIDescription] = [")
            output.indented { output in
                for (_, api) in apis {
                    let listeners = api.listeners.map { "." + $0 }.joined(separator: ", ")
                    output.line("APIDescription(")
                    output.indented {
                        $0.line("\(api.name)Request.self, name: \"\(api.name)\",")
                        $0.line("listeners: [\(listeners)]),")
                    }
                }
            }
            output.line("]")
        }
        return output.text
    }

    // MARK: All messages

    func messageList() -> String {
        var output = Output.file(source: "all definitions")
        output.line(
            "/// What has a definition, by its Swift name: for those who go through all of it,")
        output.line("/// such as tests and fuzzers.")
        output.block("package enum AllMessages") { output in
            output.line(
                "package static let types: [(name: String, type: any VersionedMessage.Type)] = [")
            output.indented { output in
                for section in definitions.flatMap(\.sections) {
                    output.line("(\"\(section.swiftName)\", \(section.swiftName).self),")
                }
            }
            output.line("]")
        }
        return output.text
    }

    // MARK: Metadata records

    func metadataRecords() -> String {
        var output = Output.file(source: "the definitions of metadata records")
        let records = definitions.compactMap { definition -> (type: Int, name: String)? in
            if case .metadata(let type) = definition.kind { return (type, definition.name) }
            return nil
        }
        func caseName(_ name: String) -> String {
            escaped(lowerFirst(name.hasSuffix("Record") ? String(name.dropLast(6)) : name))
        }
        output.line("internal import Primitives")
        output.line()
        output.line("/// A record of the metadata log; its framing lies in the Runtime folder.")
        output.block("package enum MetadataRecord: Sendable") { output in
            for (_, name) in records { output.line("case \(caseName(name))(\(name))") }
            output.line()
            output.line("/// The record's own structure.")
            output.block("package var body: any MetadataRecordBody") { output in
                output.line("switch self {")
                for (_, name) in records {
                    output.line("case .\(caseName(name))(let body): body")
                }
                output.line("}")
            }
            output.line()
            output.line("/// Reads the body of a record of the type; nil for an unknown type.")
            output.line("init?(")
            output.indented {
                $0.line("recordType: UInt32, from reader: inout ByteReader, version: Int16")
            }
            output.block(") throws(DecodeError)") { output in
                output.line("switch recordType {")
                for (type, name) in records {
                    let value = "try \(name)(from: &reader, version: version)"
                    output.line("case \(type): self = .\(caseName(name))(\(value))")
                }
                output.line("default: return nil")
                output.line("}")
            }
        }
        return output.text
    }

    // MARK: Records with keys

    func keyedRecords(_ log: Definition.Log) -> String {
        let enumeration = log.rawValue.prefix(1).uppercased() + log.rawValue.dropFirst() + "Record"
        var output = Output.file(source: "the definitions of \(log.rawValue) records")
        let records = definitions.compactMap { definition -> (types: [Int], name: String)? in
            guard case .keyed(log, let type) = definition.kind else { return nil }
            return (definition.aliases + [type], definition.name)
        }
        output.line("package import Primitives")
        output.line()
        output.line(
            "/// A record of the \(log.rawValue) coordinator's topic. No value: a tombstone.")
        output.block("package enum \(enumeration): KeyedRecord") { output in
            for (_, name) in records {
                output.line("case \(escaped(lowerFirst(name)))(\(name)Key, \(name)Value?)")
            }
            output.line()
            output.line("package init?(")
            output.indented { $0.line("recordType: Int16, key: inout ByteReader, value: Bytes?") }
            output.block(") throws(DecodeError)") { output in
                output.line("switch recordType {")
                for (types, name) in records {
                    let numbers = types.map(String.init).joined(separator: ", ")
                    output.line("case \(numbers):")
                    output.indented {
                        $0.line("self = .\(escaped(lowerFirst(name)))(")
                        $0.indented {
                            $0.line("try \(name)Key(from: &key, version: 0), try Self.read(value))")
                        }
                    }
                }
                output.line("default: return nil")
                output.line("}")
            }
            output.line()
            accessor("key", type: "any KeyedRecordKey", "(let key, _): key", records, &output)
            output.line()
            accessor(
                "value", type: "(any VersionedMessage)?", "(_, let value): value", records, &output)
        }
        return output.text
    }

    private func accessor(
        _ name: String, type: String, _ pattern: String,
        _ records: [(types: [Int], name: String)], _ output: inout Output
    ) {
        output.block("package var \(name): \(type)") { output in
            output.line("switch self {")
            for record in records {
                output.line("case .\(escaped(lowerFirst(record.name)))\(pattern)")
            }
            output.line("}")
        }
    }
}
