/// What a pattern says, once it is read.
indirect enum PatternSyntax: Sendable {
    /// Matches the empty text.
    case empty
    case character(ASCIISet)
    case assertion(PatternAssertion)
    case sequence([PatternSyntax])
    case alternatives([PatternSyntax])
    /// At least `minimum` times, and at most `maximum` times if there is one.
    case repetition(PatternSyntax, minimum: Int, maximum: Int?)
}

/// Something that must hold between two characters. Names have no line breaks, so the ends of the
/// text and of a line are the same.
enum PatternAssertion: Sendable {
    case start
    case end
    case wordBoundary
    case noWordBoundary

    /// Whether it holds before `text[position]`.
    func holds(in text: [UInt8], at position: Int) -> Bool {
        switch self {
        case .start: position == 0
        case .end: position == text.count
        case .wordBoundary: Self.isBoundary(in: text, at: position)
        case .noWordBoundary: !Self.isBoundary(in: text, at: position)
        }
    }

    private static func isBoundary(in text: [UInt8], at position: Int) -> Bool {
        let before = position > 0 && ASCIISet.word.contains(text[position - 1])
        let after = position < text.count && ASCIISet.word.contains(text[position])
        return before != after
    }
}

/// A set of ASCII characters.
struct ASCIISet: Equatable, Sendable {
    private var bits: UInt128

    private init(bits: UInt128) { self.bits = bits }

    static let none = ASCIISet(bits: 0)
    static let all = ASCIISet(bits: .max)
    static let newline = ASCIISet(0x0a)
    static let digits = ASCIISet("0"..."9")
    static let upper = ASCIISet("A"..."Z")
    static let lower = ASCIISet("a"..."z")
    static let letters = upper.union(lower)
    static let word = letters.union(digits).union(ASCIISet("_"..."_"))
    static let space = ASCIISet(bits: 1 << 0x20 | 1 << 0x09 | 1 << 0x0a | 1 << 0x0c | 1 << 0x0d)

    /// One character; none where it is not ASCII, as no topic name has such a one.
    init(_ character: UInt32) {
        bits = character < 128 ? 1 << UInt128(character) : 0
    }

    /// What of the range is ASCII.
    init(_ range: ClosedRange<UInt32>) {
        bits = 0
        guard range.lowerBound < 128 else { return }
        for character in range.lowerBound...min(range.upperBound, 127) {
            bits |= 1 << UInt128(character)
        }
    }

    private init(_ range: ClosedRange<Unicode.Scalar>) {
        self.init(range.lowerBound.value...range.upperBound.value)
    }

    func contains(_ byte: UInt8) -> Bool { byte < 128 && bits >> UInt128(byte) & 1 == 1 }
    var inverted: ASCIISet { ASCIISet(bits: ~bits) }
    func union(_ other: ASCIISet) -> ASCIISet { ASCIISet(bits: bits | other.bits) }
    func intersection(_ other: ASCIISet) -> ASCIISet { ASCIISet(bits: bits & other.bits) }

    /// With the other case of each letter in it.
    var foldingCase: ASCIISet {
        let lowered = intersection(.upper).bits << 32
        let raised = intersection(.lower).bits >> 32
        return ASCIISet(bits: bits | lowered | raised)
    }
}

extension ASCIISet {
    /// The classes with a name, as in `[[:alpha:]]`.
    static func named(_ name: String) -> ASCIISet? {
        switch name {
        case "alnum": letters.union(digits)
        case "alpha": letters
        case "ascii": all
        case "blank": ASCIISet(0x20).union(ASCIISet(0x09))
        case "cntrl": ASCIISet(0x00...0x1f).union(ASCIISet(0x7f))
        case "digit": digits
        case "graph": ASCIISet(0x21...0x7e)
        case "lower": lower
        case "print": ASCIISet(0x20...0x7e)
        case "punct": ASCIISet(0x21...0x7e).intersection(letters.union(digits).inverted)
        case "space": space.union(ASCIISet(0x0b))
        case "upper": upper
        case "word": word
        case "xdigit": digits.union(ASCIISet("a"..."f")).union(ASCIISet("A"..."F"))
        default: nil
        }
    }
}
