/// How the text of a value is read.
enum ConfigurationText {
    /// Without the spaces and control characters at both ends, as Java's `String.trim`.
    static func trim(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { $0.value > 0x20 }),
            let last = scalars.lastIndex(where: { $0.value > 0x20 })
        else { return "" }
        return String(scalars[first...last])
    }

    static func boolean(_ text: String) -> Bool? {
        switch trim(text).lowercased() {
        case "true": true
        case "false": false
        default: nil
        }
    }

    /// The elements between commas, trimmed; none for an empty text.
    static func list(_ text: String) -> [String] {
        if trim(text).isEmpty { return [] }
        return text.split(separator: ",", omittingEmptySubsequences: false).map { trim(String($0)) }
    }

    /// The path of a directory without slashes at its end: one directory, one spelling.
    static func directory(_ path: String) -> String {
        let end = path.lastIndex { $0 != "/" }
        return end.map { String(path[...$0]) } ?? String(path.prefix(1))
    }

    /// `value` times `factor`, held at the largest number. Negative values mean "no limit" in every
    /// unit and stay -1.
    static func scale(_ value: Int64, by factor: Int64) -> Int64 {
        if factor == 1 { return value }
        if value < 0 { return -1 }
        let (product, overflow) = value.multipliedReportingOverflow(by: factor)
        return overflow ? Int64.max : product
    }
}

/// Finds the name that was probably meant.
enum NearestName {
    /// The candidate closest to `name`, if it is close enough to be a slip of the keyboard.
    /// Of several equally close ones, the first.
    static func find(_ name: String, among candidates: [String]) -> String? {
        let letters = Array(name.utf8.prefix(128))
        let tolerance = max(2, letters.count / 4)
        var best: (distance: Int, name: String)?
        for candidate in candidates {
            let other = Array(candidate.utf8)
            guard abs(other.count - letters.count) <= tolerance else { continue }
            let distance = distance(letters, other)
            if distance <= tolerance, distance < best?.distance ?? Int.max {
                best = (distance, candidate)
            }
        }
        return best?.name
    }

    /// Letters to add, remove or replace, or neighbours to swap, to get from one to the other.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for i in 0..<left.count {
            var row = [i + 1]
            row.reserveCapacity(right.count + 1)
            for j in 0..<right.count {
                let same = left[i] == right[j]
                var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (same ? 0 : 1))
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, beforeLast[j - 1] + 1)
                }
                row.append(cost)
            }
            beforeLast = last
            last = row
        }
        return last[right.count]
    }
}
