/// One thing that is measured, beside what the machine must do at the least for it, in the same
/// run.
protocol Scenario: Sendable {
    /// What it is called on the command line.
    var name: String { get }
    /// A line for `list`.
    var summary: String { get }
    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure]
}

/// One row of the table.
struct Figure: Sendable {
    var what: String
    var unit: String
    var ours: Double
    /// What the limit loop needed or reached; nil where nothing is to be compared.
    var limit: Double?
    var budget: Budget?

    var ratio: Double? { limit.map { ours / $0 } }

    var isMet: Bool? {
        switch budget {
        case nil: nil
        case .ratioAtMost(let bound): ratio.map { $0 <= bound }
        case .ratioAtLeast(let bound): ratio.map { $0 >= bound }
        case .atMost(let bound): ours <= bound
        case .atLeast(let bound): ours >= bound
        }
    }
}

/// What the design asks for.
enum Budget: Sendable, CustomStringConvertible {
    case ratioAtMost(Double)
    case ratioAtLeast(Double)
    case atMost(Double)
    case atLeast(Double)

    var description: String {
        switch self {
        case .ratioAtMost(let bound): "≤ \(short(bound)) ×"
        case .ratioAtLeast(let bound): "≥ \(short(bound)) ×"
        case .atMost(let bound): "≤ \(short(bound))"
        case .atLeast(let bound): "≥ \(short(bound))"
        }
    }
}

/// A scenario that could not be carried out, as a sentence.
struct BenchmarkFailed: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Three figures, no exponent.
func short(_ value: Double) -> String {
    if value.magnitude >= 100 || value == value.rounded() { return String(Int(value.rounded())) }
    let factor: Double = value.magnitude >= 10 ? 10 : value.magnitude >= 0.1 ? 100 : 10_000
    return String((value * factor).rounded() / factor)
}
