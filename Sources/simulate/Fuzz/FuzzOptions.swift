/// What the command line asks of the fuzzer.
struct FuzzOptions {
    /// For all targets together.
    var seconds = 60
    var seed: UInt64 = 1
    /// What the process of one target may have in memory at its greatest, in MiB.
    var memoryMebibytes = 256
    var targets: [FuzzTarget] = FuzzTarget.all
    /// Run just this input of one target.
    var only: UInt64?
    /// Where a worker notes the number of the input it is at; nil in the process that watches.
    var worker: String?

    init(_ arguments: [String]) throws(InvalidOption) {
        var names: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--") else {
                names.append(argument)
                continue
            }
            guard let value = rest.popFirst() else {
                throw InvalidOption(description: "\(argument) needs a value")
            }
            switch argument {
            case "--seconds": seconds = try Self.number(argument, value)
            case "--seed": seed = try Self.number(argument, value)
            case "--memory": memoryMebibytes = try Self.number(argument, value)
            case "--only": only = try Self.number(argument, value)
            case "--worker": worker = value
            default: throw InvalidOption(description: "unknown option \(argument)")
            }
        }
        if names.isEmpty { return }
        for name in names
        where !FuzzTarget.all.contains(where: { Self.matches(name, $0) }) {
            throw InvalidOption(description: "no target \(name)")
        }
        targets = FuzzTarget.all.filter { target in
            names.contains { Self.matches($0, target) }
        }
    }

    private static func matches(_ name: String, _ target: FuzzTarget) -> Bool {
        target.name == name || target.name.hasPrefix(name + "/")
    }

    private static func number<Number: FixedWidthInteger>(
        _ option: String, _ text: String
    ) throws(InvalidOption) -> Number {
        guard let number = Number(text), number >= 0 else {
            throw InvalidOption(description: "\(option) \(text): a number from 0 expected")
        }
        return number
    }
}
