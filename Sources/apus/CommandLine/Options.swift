/// Why a command line was not understood, in a sentence.
struct UsageError: Error, Equatable {
    let reason: String
}

/// An option that a command knows.
struct Option: Sendable {
    /// With its dashes.
    let name: String
    /// What stands behind it, as the help calls it; nil for a switch.
    let value: String?
    /// Whether it may be given more than once.
    let repeats: Bool

    init(_ name: String, _ value: String? = nil, repeats: Bool = false) {
        self.name = name
        self.value = value
        self.repeats = repeats
    }
}

/// A command line taken apart: switches, values, and the operands between them, in their order.
///
/// `--name value` and `--name=value` are the same; behind `--` everything is an operand.
struct Options {
    private(set) var operands: [String] = []
    private var switches: Set<String> = []
    private var values: [String: [String]] = [:]

    init(_ arguments: some Sequence<String>, known: [Option]) throws(UsageError) {
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                operands += rest
                return
            }
            guard argument.hasPrefix("-"), argument != "-" else {
                operands.append(argument)
                continue
            }
            try take(argument, &rest, known)
        }
    }

    private mutating func take(
        _ argument: String, _ rest: inout ArraySlice<String>, _ known: [Option]
    ) throws(UsageError) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let option = known.first(where: { $0.name == name }) else {
            throw UsageError(reason: "unknown option \"\(name)\"")
        }
        guard let valueName = option.value else {
            if parts.count > 1 { throw UsageError(reason: "\(name) takes no value") }
            switches.insert(name)
            return
        }
        let inline = parts.count > 1 ? String(parts[1]) : nil
        guard let value = inline ?? rest.popFirst() else {
            throw UsageError(reason: "\(name) needs a value: \(valueName)")
        }
        if values[name] != nil, !option.repeats {
            throw UsageError(reason: "\(name) is given twice")
        }
        values[name, default: []].append(value)
    }

    func has(_ name: String) -> Bool { switches.contains(name) }

    func text(_ name: String) -> String? { values[name]?.first }

    /// All values of an option that may be repeated, in their order.
    func texts(_ name: String) -> [String] { values[name] ?? [] }

    /// The option's value through `parse`, which returns nil for what it does not understand.
    func value<Value>(
        _ name: String, expecting what: String, _ parse: (String) -> Value?
    ) throws(UsageError) -> Value? {
        guard let text = text(name) else { return nil }
        guard let value = parse(text) else {
            throw UsageError(reason: "\(name) \(text): \(what) expected")
        }
        return value
    }
}
