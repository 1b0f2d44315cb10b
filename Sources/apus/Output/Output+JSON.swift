internal import Primitives

extension Output {
    /// A string where the bytes are UTF-8, `{"base64": …}` where not, `null` where there are none.
    func writeJSON(_ bytes: Bytes?) {
        guard let bytes else { return write("null" as StaticString) }
        let isPlain = unsafe bytes.withUnsafeBytes { unsafe Self.isPlain($0) }
        if isPlain {
            write(UInt8(ascii: "\""))
            write(bytes)
            write(UInt8(ascii: "\""))
        } else if bytes.text != nil {
            unsafe bytes.withUnsafeBytes { unsafe writeEscaped($0) }
        } else {
            write("{\"base64\":\"" as StaticString)
            writeBase64(bytes)
            write("\"}" as StaticString)
        }
    }

    func writeJSON(_ text: String) {
        var text = text
        text.withUTF8 { unsafe writeEscaped(UnsafeRawBufferPointer($0)) }
    }

    func writeJSON(_ value: Bool) {
        if value { write("true" as StaticString) } else { write("false" as StaticString) }
    }

    /// Whether bytes can stand in a JSON string as they are: ASCII without control characters,
    /// quotes and backslashes. Without an early way out, so that many bytes go at once.
    private static func isPlain(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var special: UInt8 = 0
        for index in 0..<bytes.count {
            let byte = unsafe bytes[index]
            special |= byte & 0x80
            special |= byte < 0x20 ? 1 : 0
            special |= byte == 0x22 ? 1 : 0
            special |= byte == 0x5c ? 1 : 0
        }
        return special == 0
    }

    /// UTF-8 in quotes, with JSON's escapes.
    private func writeEscaped(_ utf8: UnsafeRawBufferPointer) {
        write(UInt8(ascii: "\""))
        for index in 0..<utf8.count {
            let byte = unsafe utf8[index]
            switch byte {
            case UInt8(ascii: "\""): write("\\\"" as StaticString)
            case UInt8(ascii: "\\"): write("\\\\" as StaticString)
            case 0x0a: write("\\n" as StaticString)
            case 0x0d: write("\\r" as StaticString)
            case 0x09: write("\\t" as StaticString)
            case 0..<0x20:
                write("\\u00" as StaticString)
                write(Self.hexDigits[Int(byte >> 4)])
                write(Self.hexDigits[Int(byte & 0xf)])
            default: write(byte)
            }
        }
        write(UInt8(ascii: "\""))
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)

    // MARK: Base64

    private static let base64Digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// RFC 4648, section 4, with padding.
    func writeBase64(_ bytes: Bytes) {
        var place = 0
        while place < bytes.count {
            let count = min(3, bytes.count - place)
            var group: UInt32 = 0
            for index in 0..<3 {
                group = group << 8 | (index < count ? UInt32(bytes[place + index]) : 0)
            }
            for digit in 0..<4 {
                let value = Int(group >> UInt32(18 - 6 * digit) & 0x3f)
                write(digit <= count ? Self.base64Digits[value] : UInt8(ascii: "="))
            }
            place += count
        }
    }
}

/// Writes one JSON object, field by field, and ends it with a line's end.
struct JSONObject {
    private let output: Output
    private var isFirst = true

    init(_ output: Output) {
        self.output = output
        output.write(UInt8(ascii: "{"))
    }

    private mutating func name(_ name: StaticString) {
        if !isFirst { output.write(UInt8(ascii: ",")) }
        isFirst = false
        output.write(UInt8(ascii: "\""))
        output.write(name)
        output.write("\":" as StaticString)
    }

    mutating func add(_ field: StaticString, _ value: Int64) {
        name(field)
        output.write(value)
    }

    mutating func add(_ field: StaticString, _ value: Int64?) {
        name(field)
        if let value { output.write(value) } else { output.write("null" as StaticString) }
    }

    mutating func add(_ field: StaticString, _ value: String) {
        name(field)
        output.writeJSON(value)
    }

    mutating func add(_ field: StaticString, _ value: String?) {
        name(field)
        if let value { output.writeJSON(value) } else { output.write("null" as StaticString) }
    }

    mutating func add(_ field: StaticString, _ value: Bool) {
        name(field)
        output.writeJSON(value)
    }

    mutating func add(_ field: StaticString, _ value: Bytes?) {
        name(field)
        output.writeJSON(value)
    }

    /// A list of values that `write` writes one by one.
    mutating func add<Elements: Collection>(
        _ field: StaticString, each elements: Elements, _ write: (Elements.Element) -> Void
    ) {
        name(field)
        output.write(UInt8(ascii: "["))
        for (number, element) in elements.enumerated() {
            if number > 0 { output.write(UInt8(ascii: ",")) }
            write(element)
        }
        output.write(UInt8(ascii: "]"))
    }

    /// Ends the object, and the line unless it stands within another.
    func end(line: Bool = true) {
        output.write(UInt8(ascii: "}"))
        if line { output.write("\n" as StaticString) }
    }
}
