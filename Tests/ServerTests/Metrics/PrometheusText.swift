import Primitives
import Testing

/// What a scrape said, read by the rules of the text format 0.0.4 and nothing beside them.
///
/// Refuses what a lenient reader would take: a sample without HELP and TYPE before it, samples of
/// one name apart from each other, a sample twice, labels with a wrong name or escape, a value that
/// is no number, a histogram whose buckets go down or do not end with the count, a last line
/// without a line feed.
struct PrometheusText {
    struct Sample: Hashable {
        let name: String
        let labels: [String: String]
    }

    private(set) var values: [Sample: Double] = [:]
    private(set) var types: [String: String] = [:]
    /// Families in the order in which they came.
    private(set) var families: [String] = []
    /// Samples in the order in which they came.
    private(set) var order: [Sample] = []
    private var helped: Set<String> = []

    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw FixtureError("the last line has no end") }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            do {
                try take(String(line))
            } catch {
                throw FixtureError("\(error), in the line: \(line)")
            }
        }
        for family in families where types[family] == "histogram" { try checkHistogram(family) }
    }

    /// The value of one sample; nil where there is none.
    subscript(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        values[Sample(name: name, labels: labels)]
    }

    func samples(_ name: String) -> [Sample] { order.filter { $0.name == name } }

    private mutating func take(_ line: String) throws {
        if line.hasPrefix("#") {
            let parts = line.split(separator: " ", maxSplits: 3).map(String.init)
            guard parts.count == 4, parts[0] == "#" else { throw FixtureError("a stray comment") }
            try takeHead(parts[1], of: parts[2], parts[3])
        } else {
            try takeSample(line)
        }
    }

    private mutating func takeHead(_ kind: String, of family: String, _ text: String) throws {
        try Self.checkName(family, colons: true)
        switch kind {
        case "HELP":
            guard helped.insert(family).inserted else { throw FixtureError("HELP twice") }
            families.append(family)
        case "TYPE":
            guard families.last == family, types[family] == nil,
                ["counter", "gauge", "histogram"].contains(text)
            else { throw FixtureError("TYPE at the wrong place, twice, or of no kind") }
            types[family] = text
        default: throw FixtureError("a stray comment")
        }
    }

    private mutating func takeSample(_ line: String) throws {
        var rest = line[...]
        let name = String(rest.prefix { $0 != "{" && $0 != " " })
        rest = rest.dropFirst(name.count)
        try Self.checkName(name, colons: true)
        guard let family = families.last, let type = types[family] else {
            throw FixtureError("a sample before its TYPE")
        }
        let suffixes = type == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
        guard suffixes.contains(where: { family + $0 == name }) else {
            throw FixtureError("a sample among those of \(family)")
        }
        let labels = rest.hasPrefix("{") ? try Self.labels(&rest) : [:]
        guard rest.hasPrefix(" "), let value = Self.number(rest.dropFirst()) else {
            throw FixtureError("no value")
        }
        let sample = Sample(name: name, labels: labels)
        guard values.updateValue(value, forKey: sample) == nil else {
            throw FixtureError("a sample twice")
        }
        if type == "counter", value < 0 { throw FixtureError("a counter below zero") }
        order.append(sample)
    }

    private static func number(_ text: Substring) -> Double? {
        if text == "+Inf" { return .infinity }
        guard text.allSatisfy({ "0123456789.eE+-".contains($0) }) else { return nil }
        return Double(String(text))
    }

    private static func checkName(_ name: String, colons: Bool) throws {
        let isGood = name.utf8.enumerated().allSatisfy { index, byte in
            switch byte {
            case 0x41...0x5a, 0x61...0x7a, 0x5f: true
            case 0x3a: colons
            case 0x30...0x39: index > 0
            default: false
            }
        }
        guard isGood, !name.isEmpty else { throw FixtureError("\(name) is no name") }
    }

    /// Takes `{name="value",...}` off the front.
    private static func labels(_ rest: inout Substring) throws -> [String: String] {
        var labels: [String: String] = [:]
        repeat {
            rest = rest.dropFirst()
            let name = String(rest.prefix { $0 != "=" })
            try checkName(name, colons: false)
            rest = rest.dropFirst(name.count)
            guard rest.hasPrefix("=\"") else { throw FixtureError("no value of label \(name)") }
            rest = rest.dropFirst(2)
            guard labels.updateValue(try quoted(&rest), forKey: name) == nil else {
                throw FixtureError("label \(name) twice")
            }
        } while rest.hasPrefix(",")
        guard rest.hasPrefix("}") else { throw FixtureError("labels without an end") }
        rest = rest.dropFirst()
        return labels
    }

    private static func quoted(_ rest: inout Substring) throws -> String {
        var text = ""
        while let character = rest.popFirst() {
            if character == "\"" { return text }
            guard character == "\\" else {
                text.append(character)
                continue
            }
            switch rest.popFirst() {
            case "n": text.append("\n")
            case "\\": text.append("\\")
            case "\"": text.append("\"")
            default: throw FixtureError("an escape that is none")
            }
        }
        throw FixtureError("a label's value without an end")
    }

    private func checkHistogram(_ family: String) throws {
        let buckets = samples(family + "_bucket")
        for labels in Set(buckets.map { $0.labels.filter { $0.key != "le" } }) {
            let own = buckets.filter { sample in
                labels.allSatisfy { sample.labels[$0.key] == $0.value }
            }
            let bounds = own.map { $0.labels["le"].flatMap { Self.number($0[...]) } ?? .nan }
            let counts = own.map { values[$0] ?? .nan }
            guard zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 }),
                bounds.last == .infinity, zip(counts, counts.dropFirst()).allSatisfy({ $0 <= $1 }),
                counts.last == self[family + "_count", labels], self[family + "_sum", labels] != nil
            else { throw FixtureError("the histogram \(family) of \(labels) does not add up") }
        }
    }
}
