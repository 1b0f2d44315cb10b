/// Where a value comes from. The raw value is DescribeConfigs' code. What a topic or a group has
/// itself wins; of the others a lower one wins over a higher.
package enum ConfigurationSource: Int8, Sendable {
    case dynamicTopic = 1
    case dynamicBroker = 2
    case dynamicDefaultBroker = 3
    case staticBroker = 4
    case defaultValue = 5
    case dynamicGroup = 8
}

/// The texts that were given for broker settings, by where they were given.
///
/// Every value in here has passed its key's check.
struct ConfigurationLayers: Sendable {
    /// From server.properties and the command line.
    var atStart: [String: String] = [:]
    /// Set while running, for all brokers.
    var forCluster: [String: String] = [:]
    /// Set while running, for this broker.
    var forBroker: [String: String] = [:]

    var inOrder: [(source: ConfigurationSource, values: [String: String])] {
        [
            (.dynamicBroker, forBroker), (.dynamicDefaultBroker, forCluster),
            (.staticBroker, atStart),
        ]
    }

    /// The value that counts for a setting known under several names: the layer decides first, then
    /// the order of the names; the declared default comes last.
    func value(
        _ names: [ConfigurationKey.Synonym]
    ) -> (text: String, source: ConfigurationSource)? {
        for (source, values) in inOrder where !values.isEmpty {
            for name in names {
                if let text = ConfigurationKey.scaled(values[name.name], by: name.factor) {
                    return (text, source)
                }
            }
        }
        for name in names {
            let text = ConfigurationKey.broker(name.name)?.defaultText
            if let text = ConfigurationKey.scaled(text, by: name.factor) {
                return (text, .defaultValue)
            }
        }
        return nil
    }

    /// The value that counts for a setting of a topic or a group that may have one of its own;
    /// without one, and where it does not pass, what the broker settings behind it say.
    func value(
        of key: ConfigurationKey, own: String?, from source: ConfigurationSource
    ) -> (text: String, source: ConfigurationSource)? {
        if let own, key.problem(with: own) == nil { return (own, source) }
        if let given = value(key.synonyms) { return given }
        return key.defaultText.map { ($0, .defaultValue) }
    }

    func value(_ name: String) -> String? {
        value([ConfigurationKey.Synonym(name: name, factor: 1)])?.text
    }
}

/// Values by name as the types the server works with.
///
/// The names are of declared keys and the texts have been checked, so what cannot be read is a
/// mistake in a declaration, not in the input.
struct ConfigurationValues {
    let text: (String) -> String?

    func optionalText(_ name: String) -> String? { text(name).map(ConfigurationText.trim) }

    func string(_ name: String) -> String {
        guard let text = optionalText(name) else { preconditionFailure("\(name) has no default") }
        return text
    }

    func optionalInt64(_ name: String) -> Int64? { optionalText(name).flatMap { Int64($0) } }

    func int64(_ name: String) -> Int64 {
        guard let number = optionalInt64(name) else {
            preconditionFailure("\(name) is no whole number")
        }
        return number
    }

    func int(_ name: String) -> Int { Int(int64(name)) }

    /// Of a setting whose type is no wider.
    func int32(_ name: String) -> Int32 { Int32(clamping: int64(name)) }

    func double(_ name: String) -> Double {
        guard let number = Double(string(name)) else { preconditionFailure("\(name) is no number") }
        return number
    }

    func bool(_ name: String) -> Bool {
        guard let value = ConfigurationText.boolean(string(name)) else {
            preconditionFailure("\(name) is no boolean")
        }
        return value
    }

    func list(_ name: String) -> [String] { text(name).map(ConfigurationText.list) ?? [] }
}
