/// Lengths of time as people write them: `90s`, `1h30m`, `7d`, `250ms`; also `PT1H30M` and `P7D`, as
/// Kafka's tools take them (ISO 8601).
enum TimeSpan {
    private typealias Unit = (name: Substring, milliseconds: Int64)

    /// ISO 8601 has them in front of its T: behind it an M is a minute, here it would be a month.
    private static let days: [Unit] = [("d", 86_400_000), ("w", 7 * 86_400_000)]
    private static let hours: [Unit] = [("h", 3_600_000), ("m", 60_000), ("s", 1000)]

    /// Milliseconds, more than none; nil for anything else. A number needs its unit.
    static func milliseconds(_ text: String) -> Int64? {
        let text = text.lowercased()
        let total = text.hasPrefix("p") ? iso(text.dropFirst()) : plain(text[...])
        return total.flatMap { $0 > 0 ? $0 : nil }
    }

    private static func plain(_ text: Substring) -> Int64? {
        sum(text, in: days + hours + [("ms", 1)])
    }

    private static func iso(_ text: Substring) -> Int64? {
        guard let time = text.firstIndex(of: "t") else { return sum(text, in: days) }
        let behind = text[text.index(after: time)...]
        guard !behind.isEmpty, let date = sum(text[..<time], in: days),
            let clock = sum(behind, in: hours)
        else { return nil }
        let (sum, overflow) = date.addingReportingOverflow(clock)
        return overflow ? nil : sum
    }

    /// Numbers with their units one behind another; 0 where there are none.
    private static func sum(_ text: Substring, in units: [Unit]) -> Int64? {
        var rest = text
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
        return total
    }
}
