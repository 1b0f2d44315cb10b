/// What stands behind a backslash, and between brackets.
extension PatternParser {
    /// Behind a backslash outside of brackets.
    mutating func escape() throws(TopicPatternError) -> PatternSyntax {
        guard let character = peek else { throw error("nothing behind the last '\\'") }
        let assertion: PatternAssertion? =
            switch character {
            case "A": .start
            case "z": .end
            case "b": .wordBoundary
            case "B": .noWordBoundary
            default: nil
            }
        if let assertion {
            position += 1
            return .assertion(assertion)
        }
        if let set = escapedClass() { return .character(folded(set)) }
        return literal(try escapedCharacter())
    }

    /// `\d`, `\w`, `\s` and their opposites.
    private mutating func escapedClass() -> ASCIISet? {
        let set: ASCIISet
        switch peek {
        case "d": set = .digits
        case "D": set = ASCIISet.digits.inverted
        case "w": set = .word
        case "W": set = ASCIISet.word.inverted
        case "s": set = .space
        case "S": set = ASCIISet.space.inverted
        default: return nil
        }
        position += 1
        return set
    }

    private mutating func escapedCharacter() throws(TopicPatternError) -> Unicode.Scalar {
        guard let character = peek else { throw error("nothing behind the last '\\'") }
        let control: UInt8? =
            switch character {
            case "a": 0x07
            case "t": 0x09
            case "n": 0x0a
            case "v": 0x0b
            case "f": 0x0c
            case "r": 0x0d
            default: nil
            }
        if let control {
            position += 1
            return Unicode.Scalar(control)
        }
        if character == "x" { return try hexadecimal() }
        if character == "0" { return octal() }
        guard character.isASCII, !ASCIISet.word.contains(UInt8(character.value)) else {
            throw error("'\\\(character)' is not supported")
        }
        position += 1
        return character
    }

    /// `\x` with two digits, or with any number of them in braces.
    private mutating func hexadecimal() throws(TopicPatternError) -> Unicode.Scalar {
        position += 1
        let isBraced = skip("{")
        var value: UInt32 = 0
        var count = 0
        while let digit = peek.flatMap({ UInt32(String($0), radix: 16) }), isBraced || count < 2 {
            // Saturates above every scalar.
            value = min(value * 16 + digit, 0x11_0000)
            count += 1
            position += 1
        }
        guard isBraced ? count > 0 && skip("}") : count == 2 else {
            throw error("'\\x' wants two hexadecimal digits, or some in braces")
        }
        guard let character = Unicode.Scalar(value) else {
            throw error("'\\x{...}' names no character")
        }
        return character
    }

    /// `\0` and up to two more octal digits.
    private mutating func octal() -> Unicode.Scalar {
        var value: UInt8 = 0
        var count = 0
        while let digit = peek, digit.value >= 0x30, digit.value <= 0x37, count < 3 {
            value = value * 8 + UInt8(digit.value - 0x30)
            count += 1
            position += 1
        }
        return Unicode.Scalar(value)
    }

    /// Behind an opening bracket.
    mutating func characterClass() throws(TopicPatternError) -> ASCIISet {
        let isNegated = skip("^")
        var set = ASCIISet.none
        var isFirst = true
        while isFirst || peek != "]" {
            guard peek != nil else { throw error("missing ']'") }
            set = set.union(try classElement())
            isFirst = false
        }
        position += 1
        set = folded(set)
        return isNegated ? set.inverted : set
    }

    /// A named class, an escaped one, a character or a range.
    private mutating func classElement() throws(TopicPatternError) -> ASCIISet {
        if skip("[:") { return try namedClass() }
        if skip("\\") {
            if let set = escapedClass() { return set }
            position -= 1
        }
        let first = try classCharacter()
        // A hyphen before the closing bracket stands for itself.
        guard peek == "-", position + 1 < text.count, text[position + 1] != "]" else {
            return ASCIISet(first.value)
        }
        position += 1
        let last = try classCharacter()
        guard first.value <= last.value else {
            throw error("the range '\(first)-\(last)' is out of order")
        }
        return ASCIISet(first.value...last.value)
    }

    private mutating func classCharacter() throws(TopicPatternError) -> Unicode.Scalar {
        guard peek != nil else { throw error("missing ']'") }
        let character = take()
        return character == "\\" ? try escapedCharacter() : character
    }

    private mutating func namedClass() throws(TopicPatternError) -> ASCIISet {
        let isNegated = skip("^")
        var name = ""
        while let character = peek, character != ":" {
            name.unicodeScalars.append(character)
            position += 1
        }
        guard skip(":]"), let set = ASCIISet.named(name) else {
            throw error("there is no class '[:\(name):]'")
        }
        return isNegated ? set.inverted : set
    }
}
