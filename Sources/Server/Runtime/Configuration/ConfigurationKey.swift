// Configuration, from the text in a file to the typed values the server works with:
// declarations (this type; `BrokerKeys+*.swift`, `TopicKeys.swift`, `GroupConfiguration.swift`; names taken without effect or
// refused: `KnownKeys.swift`), file syntax (`PropertiesFile.swift`), checks
// (`ConfigurationLoader*.swift`), typed values (`BrokerConfiguration`, `TopicConfiguration`:
// immutable, a dynamic change makes a new one), what AlterConfigs and DescribeConfigs need
// (`ConfigurationRules`, `ConfigurationDescription.swift`), docs/config.md
// (`ConfigurationDocumentation`), the daemons' arguments (`CommandLine.swift`).

/// The declaration of one setting: everything there is to know about it, in one place.
///
/// Parsing, validation, DescribeConfigs and docs/config.md all read these; nothing else states a
/// name, a default or a range. The tables are `brokerKeys`, `topicKeys` and `ownGroupKeys`.
package struct ConfigurationKey: Sendable {
    package enum Importance: String, Sendable { case high, medium, low }

    /// When a new value of a broker setting can take effect.
    package enum Update: String, Sendable {
        /// Read at start only.
        case readOnly = "read-only"
        /// Changed while running, for one broker or for all (KIP-226).
        case clusterWide = "cluster-wide"
    }

    /// Whether the server acts on the value.
    package enum Effect: Sendable, Equatable {
        case full
        /// Kept, shown and validated, but nothing acts on it; the sentence says what is missing.
        case none(String)
    }

    /// A broker setting that supplies the default of a topic's or a group's, and how its unit
    /// converts.
    package struct Synonym: Sendable {
        package let name: String
        /// What the broker's value is multiplied by; 1 also where it is no number.
        package let factor: Int64
    }

    package let name: String
    package let kind: Kind
    /// As it would stand in a file; nil where there is no value unless one is given.
    package let defaultText: String?
    package let limit: Limit
    package let importance: Importance
    package let update: Update
    package let effect: Effect
    /// For operators: one sentence or a few.
    package let documentation: String
    /// Of a topic's or a group's setting: the broker settings behind it, the one that wins first.
    package let synonyms: [Synonym]
    /// Kept out of the documentation and of DescribeConfigs.
    package let isInternal: Bool

    package init(
        _ name: String, _ kind: Kind, default defaultText: String?, limit: Limit = .any,
        _ importance: Importance, update: Update = .readOnly, effect: Effect = .full,
        synonyms: [Synonym] = [], isInternal: Bool = false, _ documentation: String
    ) {
        self.name = name
        self.kind = kind
        self.defaultText = defaultText
        self.limit = limit
        self.importance = importance
        self.update = update
        self.effect = effect
        self.synonyms = synonyms
        self.isInternal = isInternal
        self.documentation = documentation
    }

    /// Never shown to a client.
    package var isSensitive: Bool { kind == .password }

    /// What is wrong with `text` as this setting's value, or nil.
    package func problem(with text: String) -> String? {
        kind.problem(with: text) ?? limit.problem(with: text, kind: kind)
    }

    /// `text` without insignificant spaces and letter case, as DescribeConfigs shows it.
    package func canonical(_ text: String) -> String {
        switch kind {
        case .boolean: ConfigurationText.trim(text).lowercased()
        case .list: ConfigurationText.list(text).joined(separator: ",")
        case .password: text
        case .int, .short, .long, .double, .string: ConfigurationText.trim(text)
        }
    }
}

extension ConfigurationKey {
    /// A setting's type. The raw value is DescribeConfigs' type code.
    package enum Kind: Int8, Sendable {
        case boolean = 1
        case string = 2
        case int = 3
        case short = 4
        case long = 5
        case double = 6
        case list = 7
        case password = 9

        package var name: String {
            switch self {
            case .boolean: "boolean"
            case .string: "string"
            case .int: "int"
            case .short: "short"
            case .long: "long"
            case .double: "double"
            case .list: "list"
            case .password: "password"
            }
        }

        /// The whole numbers of the type, or nil where it has none.
        package var wholeNumbers: ClosedRange<Int64>? {
            switch self {
            case .short: Int64(Int16.min)...Int64(Int16.max)
            case .int: Int64(Int32.min)...Int64(Int32.max)
            case .long: Int64.min...Int64.max
            case .boolean, .string, .double, .list, .password: nil
            }
        }

        func problem(with text: String) -> String? {
            let trimmed = ConfigurationText.trim(text)
            if let range = wholeNumbers {
                if let number = Int64(trimmed), range.contains(number) { return nil }
                return
                    "is no \(name): a whole number from \(range.lowerBound) to \(range.upperBound)"
            }
            switch self {
            case .boolean:
                return ConfigurationText.boolean(trimmed) == nil ? "is neither true nor false" : nil
            case .double:
                guard let number = Double(trimmed), number.isFinite else { return "is no number" }
                return nil
            case .int, .short, .long, .string, .list, .password:
                return nil
            }
        }
    }

    /// The values a setting takes, beyond what its type says.
    package enum Limit: Sendable {
        case any
        case atLeast(Int64)
        case between(Int64, Int64)
        /// The range, or one value outside it that means something of its own.
        case betweenOr(Int64, Int64, Int64)
        case fraction
        case oneOf([String])
        /// Of a list: each element is one of these.
        case elements([String])

        /// For people; nil where everything goes.
        package var description: String? {
            switch self {
            case .any: nil
            case .atLeast(let least): "at least \(least)"
            case .between(let least, let most): "\(least) to \(most)"
            case .betweenOr(let least, let most, let other): "\(least) to \(most), or \(other)"
            case .fraction: "0 to 1"
            case .oneOf(let values): "one of \(values.joined(separator: ", "))"
            case .elements(let values): "any of \(values.joined(separator: ", "))"
            }
        }

        /// `text` has already passed as the setting's kind.
        func problem(with text: String, kind: Kind) -> String? {
            let trimmed = ConfigurationText.trim(text)
            let number = Int64(trimmed) ?? 0
            let good: Bool
            switch self {
            case .any: good = true
            case .atLeast(let least): good = number >= least
            case .between(let least, let most): good = (least...most).contains(number)
            case .betweenOr(let least, let most, let other):
                good = (least...most).contains(number) || number == other
            case .fraction: good = (0...1).contains(Double(trimmed) ?? -1)
            case .oneOf(let values): good = values.contains(trimmed)
            case .elements(let values):
                good = ConfigurationText.list(text).allSatisfy(values.contains)
            }
            return good ? nil : "is not allowed: \(description ?? "")"
        }
    }
}
