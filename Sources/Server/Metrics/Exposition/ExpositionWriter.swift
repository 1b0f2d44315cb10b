internal import Primitives

extension ByteWriter {
    /// The text's UTF-8, without a length.
    mutating func write(utf8 text: String) {
        var text = text
        text.withUTF8 { unsafe write(raw: UnsafeRawBufferPointer($0)) }
    }
}

/// A number as the text format shows it.
enum MetricValue: Sendable, Equatable {
    case integer(UInt64)
    /// So many of the last digits stand behind the point: `.decimal(1500, 3)` is 1.500.
    case decimal(UInt64, places: Int)

    /// A quantity that cannot be negative; one that is counts as zero.
    static func count(_ number: Int64) -> MetricValue { .integer(UInt64(max(number, 0))) }
    static func count(_ number: Int) -> MetricValue { .integer(UInt64(max(number, 0))) }

    var text: String {
        switch self {
        case .integer(let number): return String(number)
        case .decimal(let number, let places):
            let digits = String(number)
            let padded =
                String(repeating: "0", count: max(places + 1 - digits.utf8.count, 0))
                + digits
            return "\(padded.dropLast(places)).\(padded.suffix(places))"
        }
    }
}

/// Writes samples in Prometheus' text format 0.0.4, line by line.
///
/// A sample is its name, then its labels, then its value.
struct ExpositionWriter: ~Copyable {
    private var bytes: ByteWriter
    private var hasLabels = false

    init(capacity: Int) { bytes = ByteWriter(capacity: capacity) }

    var count: Int { bytes.count }

    consuming func finish() -> Bytes { bytes.finish() }

    mutating func head(of name: String, help: String, type: String) {
        bytes.write(utf8: "# HELP \(name) ")
        escape(help, quotes: false)
        bytes.write(utf8: "\n# TYPE \(name) \(type)\n")
    }

    mutating func name(_ name: String, suffix: String = "") {
        bytes.write(utf8: name)
        bytes.write(utf8: suffix)
    }

    mutating func label(_ name: String, _ value: String) {
        bytes.write(utf8: hasLabels ? "," : "{")
        hasLabels = true
        bytes.write(utf8: name)
        bytes.write(utf8: "=\"")
        escape(value, quotes: true)
        bytes.write(utf8: "\"")
    }

    mutating func value(_ value: MetricValue) {
        bytes.write(utf8: hasLabels ? "} " : " ")
        hasLabels = false
        bytes.write(utf8: value.text)
        bytes.write(utf8: "\n")
    }

    /// A backslash and a line feed are escaped everywhere, a quotation mark in labels.
    private mutating func escape(_ text: String, quotes: Bool) {
        let special: (UInt8) -> Bool = { $0 == 0x5c || $0 == 0x0a || quotes && $0 == 0x22 }
        guard text.utf8.contains(where: special) else { return bytes.write(utf8: text) }
        for byte in text.utf8 {
            if special(byte) { bytes.write(0x5c as UInt8) }
            bytes.write(byte == 0x0a ? 0x6e : byte)
        }
    }
}
