/// Tells a Swift file's code from its comments and text.
///
/// Knows line and nested block comments, string literals of all forms (one line, several, raw) and
/// the code of interpolations inside them. Regex literals are taken for code.
struct CodeOnly {
    private enum Region {
        /// With the parentheses that are open since an interpolation began, nil outside of one.
        case code(parentheses: Int?)
        case string(quotes: Int, hashes: Int)
        case lineComment
        case blockComment(depth: Int)
    }

    private let bytes: [UInt8]
    private var index = 0
    private var regions: [Region] = [.code(parentheses: nil)]
    private var output: [UInt8] = []

    /// The text with everything but code turned into blanks; line breaks stay.
    static func blank(_ text: String) -> String {
        var scanner = CodeOnly(bytes: Array(text.utf8))
        scanner.output.reserveCapacity(scanner.bytes.count)
        while scanner.index < scanner.bytes.count { scanner.step() }
        return String(decoding: scanner.output, as: UTF8.self)
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func step() {
        switch regions[regions.count - 1] {
        case .code(let parentheses): stepCode(parentheses)
        case .string(let quotes, let hashes): stepString(quotes, hashes)
        case .lineComment:
            if bytes[index] == UInt8(ascii: "\n") { regions.removeLast() }
            hide(1)
        case .blockComment(let depth):
            if starts("/*") {
                replaceRegion(.blockComment(depth: depth + 1))
                hide(2)
            } else if starts("*/") {
                if depth == 1 {
                    regions.removeLast()
                } else {
                    replaceRegion(.blockComment(depth: depth - 1))
                }
                hide(2)
            } else {
                hide(1)
            }
        }
    }

    private mutating func stepCode(_ parentheses: Int?) {
        if starts("//") {
            regions.append(.lineComment)
            hide(2)
        } else if starts("/*") {
            regions.append(.blockComment(depth: 1))
            hide(2)
        } else if let (quotes, hashes) = openingQuotes() {
            regions.append(.string(quotes: quotes, hashes: hashes))
            hide(quotes + hashes)
        } else {
            if let open = parentheses {
                if bytes[index] == UInt8(ascii: "(") {
                    replaceRegion(.code(parentheses: open + 1))
                } else if bytes[index] == UInt8(ascii: ")") {
                    if open == 0 {
                        regions.removeLast()
                        hide(1)
                        return
                    }
                    replaceRegion(.code(parentheses: open - 1))
                }
            }
            output.append(bytes[index])
            index += 1
        }
    }

    private mutating func stepString(_ quotes: Int, _ hashes: Int) {
        let mark = String(repeating: "#", count: hashes)
        if starts(String(repeating: "\"", count: quotes) + mark) {
            regions.removeLast()
            hide(quotes + hashes)
        } else if starts("\\" + mark + "(") {
            regions.append(.code(parentheses: 0))
            hide(2 + hashes)
        } else if starts("\\" + mark) {
            hide(2 + hashes)
        } else {
            hide(1)
        }
    }

    /// Where a string literal begins: how many quotes, and how many # before them.
    private func openingQuotes() -> (quotes: Int, hashes: Int)? {
        var hashes = 0
        while index + hashes < bytes.count, bytes[index + hashes] == UInt8(ascii: "#") {
            hashes += 1
        }
        let start = index + hashes
        guard start < bytes.count, bytes[start] == UInt8(ascii: "\"") else { return nil }
        return (bytes[start...].starts(with: "\"\"\"".utf8) ? 3 : 1, hashes)
    }

    private func starts(_ text: String) -> Bool { bytes[index...].starts(with: text.utf8) }

    private mutating func replaceRegion(_ region: Region) { regions[regions.count - 1] = region }

    private mutating func hide(_ count: Int) {
        for byte in bytes[index..<min(index + count, bytes.count)] {
            output.append(byte == UInt8(ascii: "\n") ? byte : UInt8(ascii: " "))
        }
        index = min(index + count, bytes.count)
    }
}
