/// One `key=value` that somebody wrote, and where.
package struct Property: Sendable, Equatable {
    package let key: String
    package let value: String
    /// For messages: "server.properties:12" or "--override".
    package let origin: String

    package init(key: String, value: String, origin: String) {
        self.key = key
        self.value = value
        self.origin = origin
    }
}

/// The syntax of Java's .properties files (`java.util.Properties.load`).
///
/// A line is blank, a comment (`#` or `!` first), or a key, then `=`, `:` or blanks, then the
/// value. A backslash at the end of a line joins the next one to it without that one's leading
/// blanks; elsewhere it escapes: `\t \n \r \f`, `\uXXXX`, and any other character for itself.
/// Blanks after the value belong to it. Keys may repeat; what that means is the caller's business.
package enum PropertiesFile {
    /// The entries in the file's order, and a line for each thing that is no entry.
    package static func parse(
        _ text: String, name: String
    ) -> (properties: [Property], problems: [String]) {
        var properties: [Property] = []
        var problems: [String] = []
        for line in logicalLines(Array(text.utf16)) {
            let origin = "\(name):\(line.number)"
            let (key, value) = split(line.units)
            guard let key = unescape(key), let value = unescape(value) else {
                problems.append("\(origin): \\u needs four hexadecimal digits after it")
                continue
            }
            if key.isEmpty {
                problems.append("\(origin): no key stands before the separator")
                continue
            }
            properties.append(Property(key: key, value: value, origin: origin))
        }
        return (properties, problems)
    }

    private struct LogicalLine {
        /// Of the first line that is part of it, from 1.
        let number: Int
        var units: [UInt16]
    }

    /// Lines with their continuations joined; without blank lines, comments and leading blanks.
    private static func logicalLines(_ text: [UInt16]) -> [LogicalLine] {
        var lines: [LogicalLine] = []
        var open: LogicalLine?
        var number = 0
        for natural in naturalLines(text) {
            number += 1
            let content = natural.drop(while: isBlank)
            if open == nil {
                guard let first = content.first, first != Unit.hash, first != Unit.bang else {
                    continue
                }
            }
            var line = open ?? LogicalLine(number: number, units: [])
            // Let go of, so that appending to `line` does not copy it.
            open = nil
            let continues = content.reversed().prefix { $0 == Unit.backslash }.count % 2 == 1
            line.units += continues ? content.dropLast() : content
            if continues { open = line } else { lines.append(line) }
        }
        // The file ended in a backslash.
        if let open { lines.append(open) }
        return lines.filter { !$0.units.isEmpty }
    }

    /// Split at line feed, carriage return, or both together.
    private static func naturalLines(_ text: [UInt16]) -> [ArraySlice<UInt16>] {
        var lines: [ArraySlice<UInt16>] = []
        var start = 0
        var index = 0
        while index < text.count {
            let unit = text[index]
            if unit == Unit.lineFeed || unit == Unit.carriageReturn {
                lines.append(text[start..<index])
                let isPair =
                    unit == Unit.carriageReturn && index + 1 < text.count
                    && text[index + 1] == Unit.lineFeed
                index += isPair ? 1 : 0
                start = index + 1
            }
            index += 1
        }
        if start < text.count { lines.append(text[start...]) }
        return lines
    }

    private static func split(_ line: [UInt16]) -> (
        key: ArraySlice<UInt16>, value: ArraySlice<UInt16>
    ) {
        var end = 0
        while end < line.count, !isSeparator(line[end]), !isBlank(line[end]) {
            end += line[end] == Unit.backslash ? 2 : 1
        }
        end = min(end, line.count)
        var rest = line[end...].drop(while: isBlank)
        if let first = rest.first, isSeparator(first) {
            rest = rest.dropFirst().drop(while: isBlank)
        }
        return (line[..<end], rest)
    }

    /// nil where a `\u` lacks its four digits.
    private static func unescape(_ text: ArraySlice<UInt16>) -> String? {
        var units: [UInt16] = []
        var rest = text
        while let unit = rest.popFirst() {
            guard unit == Unit.backslash else {
                units.append(unit)
                continue
            }
            guard let escaped = rest.popFirst() else { break }
            switch escaped {
            case UInt16(UInt8(ascii: "t")): units.append(0x09)
            case UInt16(UInt8(ascii: "n")): units.append(0x0a)
            case UInt16(UInt8(ascii: "r")): units.append(0x0d)
            case UInt16(UInt8(ascii: "f")): units.append(0x0c)
            case UInt16(UInt8(ascii: "u")):
                let digits = rest.prefix(4).compactMap(hexadecimal)
                guard digits.count == 4 else { return nil }
                units.append(digits.reduce(0) { $0 << 4 | $1 })
                rest = rest.dropFirst(4)
            default: units.append(escaped)
            }
        }
        return String(decoding: units, as: UTF16.self)
    }

    private static func hexadecimal(_ unit: UInt16) -> UInt16? {
        switch unit {
        case 0x30...0x39: unit - 0x30
        case 0x41...0x46: unit - 0x41 + 10
        case 0x61...0x66: unit - 0x61 + 10
        default: nil
        }
    }

    private static func isBlank(_ unit: UInt16) -> Bool {
        unit == 0x20 || unit == 0x09 || unit == 0x0c
    }

    private static func isSeparator(_ unit: UInt16) -> Bool {
        unit == UInt16(UInt8(ascii: "=")) || unit == UInt16(UInt8(ascii: ":"))
    }

    private enum Unit {
        static let lineFeed: UInt16 = 0x0a
        static let carriageReturn: UInt16 = 0x0d
        static let backslash = UInt16(UInt8(ascii: "\\"))
        static let hash = UInt16(UInt8(ascii: "#"))
        static let bang = UInt16(UInt8(ascii: "!"))
    }
}
