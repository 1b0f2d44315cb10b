internal import Primitives

/// Timestamps as people write them: `2023-11-14T22:13:20.000Z`, always UTC.
enum UTCTime {
    private static let millisecondsInDay: Int64 = 86_400_000

    static func text(_ time: Timestamp) -> String {
        let (days, inDay) = time.rawValue.floorDivided(by: millisecondsInDay)
        let (year, month, day) = date(days)
        func padded(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(width - digits.count, 0)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
            + "\(padded(inDay / 3_600_000, 2)):\(padded(inDay / 60_000 % 60, 2)):"
            + "\(padded(inDay / 1000 % 60, 2)).\(padded(inDay % 1000, 3))Z"
    }

    /// What `parse` takes, for whoever gave something else.
    static let expected = "milliseconds since 1970 or 2024-05-01T10:30:00Z"

    /// Milliseconds since 1970, or a date, or a date and a time: `2024-05-01`,
    /// `2024-05-01T10:30`, `2024-05-01T10:30:00.250Z`. nil for anything else.
    static func parse(_ text: String) -> Timestamp? {
        if let milliseconds = Int64(text) { return Timestamp(milliseconds) }
        let halves = (text.hasSuffix("Z") ? text.dropLast() : text[...])
            .split(separator: "T", omittingEmptySubsequences: false)
        guard halves.count <= 2, let days = days(halves[0]) else { return nil }
        guard halves.count == 2 else { return Timestamp(days * millisecondsInDay) }
        guard let inDay = milliseconds(halves[1]) else { return nil }
        return Timestamp(days * millisecondsInDay + inDay)
    }

    private static func number(_ digits: Substring, _ width: Int, _ range: ClosedRange<Int64>)
        -> Int64?
    {
        guard digits.utf8.count == width, let number = Int64(digits), range.contains(number) else {
            return nil
        }
        return number
    }

    private static func milliseconds(_ time: Substring) -> Int64? {
        let parts = time.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3, let hour = number(parts[0], 2, 0...23),
            let minute = number(parts[1], 2, 0...59)
        else { return nil }
        var inDay = hour * 3_600_000 + minute * 60_000
        guard parts.count == 3 else { return inDay }
        let seconds = parts[2].split(separator: ".", omittingEmptySubsequences: false)
        guard seconds.count <= 2, let whole = number(seconds[0], 2, 0...60) else { return nil }
        inDay += whole * 1000
        guard seconds.count == 2 else { return inDay }
        guard let fraction = number(seconds[1], 3, 0...999) else { return nil }
        return inDay + fraction
    }

    private static func days(_ date: Substring) -> Int64? {
        let parts = date.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let year = number(parts[0], 4, 0...9999),
            let month = number(parts[1], 2, 1...12), let day = number(parts[2], 2, 1...31)
        else { return nil }
        let days = days(year, month, day)
        // The 31st of a month that has none would be a day of the next.
        return self.date(days) == (year, month, day) ? days : nil
    }

    // MARK: The Gregorian calendar, in years that begin with March

    private static let daysInCycle: Int64 = 146_097
    private static let daysBefore1970: Int64 = 719_468

    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let (cycle, inCycle) = year.floorDivided(by: 400)
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let dayOfCycle = inCycle * 365 + inCycle / 4 - inCycle / 100 + dayOfYear
        return cycle * daysInCycle + dayOfCycle - daysBefore1970
    }

    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (cycle, dayOfCycle) = (days + daysBefore1970).floorDivided(by: daysInCycle)
        let inCycle =
            (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * inCycle + inCycle / 4 - inCycle / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = cycle * 400 + inCycle + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}

extension Int64 {
    /// Quotient and remainder with the remainder never below zero.
    fileprivate func floorDivided(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
