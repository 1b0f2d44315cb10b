/// Lengths of time as people write them: `90s`, `1h30m`, `7d`, `250ms`; also `PT1H30M` and `P7D`, as
/// Kafka's tools take them.
enum TimeSpan {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
        ("w", 7 * 86_400_000),
    ]

    /// Milliseconds, more than none; nil for anything else. A number needs its unit.
    static func milliseconds(_ text: String) -> Int64? {
        var rest = text.lowercased()[...]
        if rest.hasPrefix("p") {
            rest = rest.dropFirst()
            if let time = rest.firstIndex(of: "t") { rest.remove(at: time) }
        }
        var total: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(name.count)
            guard let number = Int64(digits),
                let unit = units.first(where: { $0.name == name })?.milliseconds
            else { return nil }
            let (part, overflow) = number.multipliedReportingOverflow(by: unit)
            let (sum, overflow2) = total.addingReportingOverflow(part)
            if overflow || overflow2 { return nil }
            total = sum
        }
        return total > 0 ? total : nil
    }
}
