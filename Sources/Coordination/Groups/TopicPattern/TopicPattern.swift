/// A regular expression over topic names, as consumers subscribe with (KIP-848).
///
/// The syntax is RE2's as far as it says something about topic names, which are ASCII: what needs
/// backtracking (back references, look-around) does not exist there, and Unicode classes are
/// refused too. A name matches when the whole of it does.
///
/// Matching takes time proportional to the name's length times the pattern's size, which is at most
/// `sizeLimit` steps, whatever the pattern: a client can neither stop nor slow down a coordinator.
package struct TopicPattern: Sendable {
    /// The most instructions that a pattern may become. Repetitions multiply: `a{1000}` is 1,000.
    package static let sizeLimit = 2_000

    private let program: PatternProgram

    /// Reads the pattern; throws for syntax that is wrong or not supported, and for its size.
    package init(_ source: String) throws(TopicPatternError) {
        var parser = PatternParser(source)
        let syntax = try parser.parse()
        program = try PatternProgram(syntax, sizeLimit: Self.sizeLimit)
    }

    package func matches(_ name: String) -> Bool {
        var run = PatternRun(of: program)
        return run.accepts(Array(name.utf8))
    }

    /// The names that match, in the order in which they came.
    package func filter(_ names: some Sequence<String>) -> [String] {
        var run = PatternRun(of: program)
        return names.filter { run.accepts(Array($0.utf8)) }
    }
}

/// Why a text is no pattern, in words for the one who wrote it.
package struct TopicPatternError: Error, Equatable, CustomStringConvertible {
    package let reason: String
    /// Where in the text, in Unicode scalars from 0; nil when it is about the whole.
    package let position: Int?

    init(_ reason: String, at position: Int? = nil) {
        self.reason = reason
        self.position = position
    }

    package var description: String {
        position.map { "\(reason) at position \($0)" } ?? reason
    }
}
