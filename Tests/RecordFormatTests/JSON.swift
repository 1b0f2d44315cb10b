import Primitives

/// As much of JSON as the list of expected records needs: no fractions.
enum JSON: Equatable {
    case null
    case number(Int64)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    struct Malformed: Error { let position: Int }

    init(_ bytes: Bytes) throws {
        var parser = Parser(bytes: bytes.array)
        self = try parser.value()
    }

    private struct Parser {
        let bytes: [UInt8]
        var position = 0

        mutating func value() throws -> JSON {
            switch try peek() {
            case UInt8(ascii: "["):
                var elements: [JSON] = []
                try list(until: "]") { elements.append(try $0.value()) }
                return .array(elements)
            case UInt8(ascii: "{"):
                var members: [String: JSON] = [:]
                try list(until: "}") {
                    let name = try $0.string()
                    try $0.expect(":")
                    members[name] = try $0.value()
                }
                return .object(members)
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "n"):
                for digit in "null" { try expect(digit) }
                return .null
            default: return .number(try number())
            }
        }

        private mutating func peek() throws -> UInt8 {
            while position < bytes.count, bytes[position] <= 0x20 { position += 1 }
            guard position < bytes.count else { throw Malformed(position: position) }
            return bytes[position]
        }

        private mutating func expect(_ character: Character) throws {
            guard try peek() == character.asciiValue else { throw Malformed(position: position) }
            position += 1
        }

        private mutating func list(
            until end: Character, _ element: (inout Parser) throws -> Void
        ) throws {
            position += 1
            if try peek() == end.asciiValue {
                position += 1
                return
            }
            while true {
                try element(&self)
                if try peek() == end.asciiValue { break }
                try expect(",")
            }
            position += 1
        }

        private mutating func number() throws -> Int64 {
            let digits = bytes[position...].prefix { $0 == 0x2d || (0x30...0x39).contains($0) }
            position += digits.count
            guard let number = Int64(String(decoding: digits, as: UTF8.self)) else {
                throw Malformed(position: position)
            }
            return number
        }

        private mutating func string() throws -> String {
            try expect("\"")
            // An escape only ever stands for a character that is not in the expected records.
            let content = bytes[position...].prefix { $0 != UInt8(ascii: "\"") }
            guard !content.contains(UInt8(ascii: "\\")) else { throw Malformed(position: position) }
            position += content.count + 1
            return String(decoding: content, as: UTF8.self)
        }
    }
}
