internal import Primitives
internal import wiregen

/// The same numbers for the same seed, on every run.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}

/// Writes valid messages with random content straight from the definitions.
///
/// It shares no code with what is tested: not the generated structures, not the writer. Every
/// number differs from its field's initial value, so that a tagged field is never left out.
struct FrameMaker {
    let section: Section
    let version: Int16
    private var numbers: SeededNumbers
    private var bytes: [UInt8] = []

    static func frame(of message: VersionedSection, seed: UInt64) -> [UInt8] {
        var maker = FrameMaker(
            section: message.section, version: message.version, numbers: SeededNumbers(seed: seed))
        maker.append(message.section.root)
        return maker.bytes
    }

    private var isFlexible: Bool { section.firstFlexible.map { version >= $0 } ?? false }

    private mutating func isHeads() -> Bool { Bool.random(using: &numbers) }

    // MARK: Structures

    private mutating func append(_ structure: Structure) {
        let present = structure.fields.filter { $0.versions.contains(Int(version)) }
        for field in present where field.tag == nil { append(field) }
        guard isFlexible else { return }
        let known = present.filter { $0.tag != nil && isHeads() }
            .sorted { ($0.tag ?? 0) < ($1.tag ?? 0) }
        let unknown = (0..<Int.random(in: 0...2, using: &numbers)).map { 100 + 77 * $0 }
        append(varint: known.count + unknown.count)
        for field in known { append(tag: field.tag ?? 0) { $0.append(field) } }
        for tag in unknown {
            append(tag: tag) { maker in
                for _ in 0..<Int.random(in: 0...3, using: &maker.numbers) {
                    maker.bytes.append(UInt8.random(in: 0...255, using: &maker.numbers))
                }
            }
        }
    }

    private mutating func append(tag: Int, _ content: (inout FrameMaker) -> Void) {
        let before = bytes
        bytes = []
        content(&self)
        let field = bytes
        bytes = before
        append(varint: tag)
        append(varint: field.count)
        bytes += field
    }

    // MARK: Fields

    private mutating func append(_ field: Field) {
        let mayBeNull = field.nullable?.contains(Int(version)) ?? false
        // A tagged field that holds its initial value would not be written again.
        let isNull = mayBeNull && isHeads() && !(field.tag != nil && field.initial == .null)
        if field.isArray {
            if isNull { return append(wideLength: nil) }
            let count = Int.random(in: (field.tag == nil ? 0 : 1)...2, using: &numbers)
            append(wideLength: count)
            for _ in 0..<count { append(element: field) }
            return
        }
        switch field.base {
        case .string:
            isNull ? append(narrowLength: nil) : append(element: field)
        case .bytes, .records:
            isNull ? append(wideLength: nil) : append(element: field)
        case .structure:
            if field.isOptional { bytes.append(isNull ? 0xff : 1) }
            if !isNull { append(element: field) }
        default: append(element: field)
        }
    }

    private mutating func append(element field: Field) {
        switch field.base {
        case .integer(let type): append(number(differentFrom: field.initial), size: type.size)
        case .float64: append(Int64(bitPattern: (1.5).bitPattern), size: 8)
        case .bool:
            let value = field.tag == nil ? isHeads() : field.initial != .bool(true)
            bytes.append(value ? 1 : 0)
        case .uuid: for _ in 0..<16 { bytes.append(UInt8.random(in: 1...255, using: &numbers)) }
        case .string:
            let count = Int.random(in: (field.tag == nil ? 0 : 1)...9, using: &numbers)
            append(narrowLength: count)
            for _ in 0..<count { bytes.append(UInt8.random(in: 97...122, using: &numbers)) }
        case .bytes, .records:
            let count = Int.random(in: (field.tag == nil ? 0 : 1)...9, using: &numbers)
            append(wideLength: count)
            for _ in 0..<count { bytes.append(UInt8.random(in: 0...255, using: &numbers)) }
        case .structure(let name):
            if let structure = section.structure(named: name) { append(structure) }
        }
    }

    private mutating func number(differentFrom initial: Initial) -> Int64 {
        let value = Int64.random(in: 1...120, using: &numbers)
        return initial == .number(value) ? value + 1 : value
    }

    // MARK: Primitive types

    private mutating func append(_ value: Int64, size: Int) {
        for index in (0..<size).reversed() {
            bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index)))
        }
    }

    private mutating func append(varint value: Int) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f | 0x80))
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func append(wideLength length: Int?) {
        isFlexible ? append(varint: (length ?? -1) + 1) : append(Int64(length ?? -1), size: 4)
    }

    private mutating func append(narrowLength length: Int?) {
        isFlexible ? append(varint: (length ?? -1) + 1) : append(Int64(length ?? -1), size: 2)
    }
}

extension String {
    /// Bytes of an integer type by its name in the notation.
    fileprivate var size: Int { (Int(drop { !$0.isNumber }) ?? 0) / 8 }
}
