/// Reads the text of a pattern, by recursive descent.
///
///     alternatives = sequence ("|" sequence)*
///     sequence     = (atom quantifier?)*
///     atom         = character | "." | class | escape | "(" flags? alternatives ")"
///
/// Groups capture nothing here: only whether a name matches is asked.
struct PatternParser {
    /// How deep groups may lie in each other: each costs a piece of the stack.
    private static let depthLimit = 100
    /// The highest count in `{n,m}`, which is RE2's.
    private static let countLimit = 1_000

    struct Flags {
        var ignoresCase = false
        /// Whether `.` matches a line break too.
        var dotMatchesNewline = false
    }

    let text: [Unicode.Scalar]
    var position = 0
    var flags = Flags()
    private var depth = 0

    init(_ source: String) { text = Array(source.unicodeScalars) }

    mutating func parse() throws(TopicPatternError) -> PatternSyntax {
        let syntax = try alternatives()
        if position < text.count { throw error("unexpected ')'") }
        return syntax
    }

    private mutating func alternatives() throws(TopicPatternError) -> PatternSyntax {
        var choices = [try sequence()]
        while skip("|") { choices.append(try sequence()) }
        return choices.count == 1 ? choices[0] : .alternatives(choices)
    }

    private mutating func sequence() throws(TopicPatternError) -> PatternSyntax {
        var elements: [PatternSyntax] = []
        while let next = peek, next != "|", next != ")" {
            if skip("\\Q") {
                try quotedText(into: &elements)
                continue
            }
            if "*+?".unicodeScalars.contains(next) {
                throw error("nothing for '\(next)' to repeat")
            }
            elements.append(try quantified(try atom()))
        }
        switch elements.count {
        case 0: return .empty
        case 1: return elements[0]
        default: return .sequence(elements)
        }
    }

    /// `\Q...\E`: everything between stands for itself. The end may be missing.
    private mutating func quotedText(
        into elements: inout [PatternSyntax]
    ) throws(TopicPatternError) {
        while position < text.count && !skip("\\E") { elements.append(literal(take())) }
        if let last = elements.popLast() { elements.append(try quantified(last)) }
    }

    private mutating func atom() throws(TopicPatternError) -> PatternSyntax {
        let character = take()
        switch character {
        case ".":
            return .character(flags.dotMatchesNewline ? .all : ASCIISet.newline.inverted)
        case "^": return .assertion(.start)
        case "$": return .assertion(.end)
        case "[": return .character(try characterClass())
        case "(": return try group()
        case "\\": return try escape()
        default: return literal(character)
        }
    }

    func literal(_ character: Unicode.Scalar) -> PatternSyntax {
        .character(folded(ASCIISet(character.value)))
    }

    func folded(_ set: ASCIISet) -> ASCIISet { flags.ignoresCase ? set.foldingCase : set }
}

// MARK: Repetition

extension PatternParser {
    /// The atom with the quantifier that follows, if one does. Whether it is greedy makes no
    /// difference to what matches.
    private mutating func quantified(
        _ atom: PatternSyntax
    ) throws(TopicPatternError) -> PatternSyntax {
        let start = position
        guard let (minimum, maximum) = try quantifier() else { return atom }
        _ = skip("?")
        let second = position
        if try quantifier() != nil {
            position = start
            throw error("a quantifier follows another, the second at position \(second)")
        }
        return .repetition(atom, minimum: minimum, maximum: maximum)
    }

    private mutating func quantifier() throws(TopicPatternError) -> (Int, Int?)? {
        if skip("*") { return (0, nil) }
        if skip("+") { return (1, nil) }
        if skip("?") { return (0, 1) }
        return try counts()
    }

    /// `{n}`, `{n,}` or `{n,m}`; a brace with anything else inside stands for itself.
    private mutating func counts() throws(TopicPatternError) -> (Int, Int?)? {
        let start = position
        guard skip("{") else { return nil }
        guard let minimum = number() else {
            position = start
            return nil
        }
        var maximum: Int? = minimum
        if skip(",") { maximum = number() }
        guard skip("}") else {
            position = start
            return nil
        }
        let highest = maximum ?? minimum
        guard minimum <= highest, highest <= Self.countLimit else {
            position = start
            throw error("a count out of order or above \(Self.countLimit)")
        }
        return (minimum, maximum)
    }

    /// Decimal digits; a value too large for any use stays above every limit.
    private mutating func number() -> Int? {
        var value: Int?
        while let digit = peek, digit.value >= 0x30, digit.value <= 0x39 {
            value = min((value ?? 0) * 10 + Int(digit.value - 0x30), Self.countLimit + 1)
            position += 1
        }
        return value
    }
}

// MARK: Groups

extension PatternParser {
    /// Behind the opening parenthesis.
    private mutating func group() throws(TopicPatternError) -> PatternSyntax {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.depthLimit { throw error("groups nested deeper than \(Self.depthLimit)") }
        let outer = flags
        if skip("?") {
            if try groupName() || skip(":") {
                // What is in it counts, not what it is called.
            } else {
                try changeFlags()
                // Flags alone, as in `(?i)`, hold up to the end of the group around them.
                if skip(")") { return .empty }
                guard skip(":") else { throw error("expected ':' or ')' behind flags") }
            }
        }
        let content = try alternatives()
        guard skip(")") else { throw error("missing ')'") }
        flags = outer
        return content
    }

    /// `P<name>` or `<name>`, if that is what follows.
    private mutating func groupName() throws(TopicPatternError) -> Bool {
        guard skip("P<") || skip("<") else { return false }
        let start = position
        while let character = peek, character != ">" {
            guard character == "_" || character.properties.isAlphabetic || character.isDigit else {
                // Look-behind, `(?<=` and `(?<!`, comes here too.
                throw error("'\(character)' is not supported in a group's name")
            }
            position += 1
        }
        guard position > start, skip(">") else { throw error("a group's name does not end") }
        return true
    }

    private mutating func changeFlags() throws(TopicPatternError) {
        var value = true
        var seen = 0
        while let character = peek, character != ":", character != ")" {
            switch character {
            case "-" where value: value = false
            case "i": flags.ignoresCase = value
            case "s": flags.dotMatchesNewline = value
            case "m", "U": break
            default: throw error("'(?\(character)' is not supported")
            }
            seen += 1
            position += 1
        }
        if seen == 0 { throw error("no flag behind '(?'") }
    }
}

// MARK: The text

extension PatternParser {
    var peek: Unicode.Scalar? { position < text.count ? text[position] : nil }

    /// - Precondition: there is one.
    mutating func take() -> Unicode.Scalar {
        position += 1
        return text[position - 1]
    }

    /// Passes over `expected` if that is what follows.
    mutating func skip(_ expected: String) -> Bool {
        let expected = expected.unicodeScalars
        guard text[position...].starts(with: expected) else { return false }
        position += expected.count
        return true
    }

    func error(_ reason: String) -> TopicPatternError {
        TopicPatternError(reason, at: position)
    }
}

extension Unicode.Scalar {
    var isDigit: Bool { value >= 0x30 && value <= 0x39 }
}
