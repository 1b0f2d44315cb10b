/// Everything that is wrong with what a broker was told, a line each.
package struct ConfigurationProblems: Error, Sendable, Equatable {
    package let lines: [String]
}

/// Turns what was written into a configuration, or into the list of everything wrong with it.
///
/// A later entry for a key counts over an earlier one. What is wrong with one value is found first;
/// then what is wrong between values, as far as these are right by themselves.
package struct ConfigurationLoader {
    private(set) var problems: [String] = []
    private(set) var warnings: [String] = []
    /// The entry that counts for each key, all declared.
    private var written: [String: Property] = [:]
    /// Keys whose own value is wrong.
    private var wrong: Set<String> = []
    private var layers = ConfigurationLayers()
    let hostName: String

    /// - Parameter hostName: what clients are told to connect to where a listener names no host.
    package static func load(
        _ properties: [Property], hostName: String
    ) throws(ConfigurationProblems) -> (configuration: BrokerConfiguration, warnings: [String]) {
        var loader = ConfigurationLoader(hostName: hostName)
        loader.take(properties)
        loader.checkNode()
        loader.checkDirectories()
        let addresses = loader.addresses()
        loader.checkQuorum(addresses)
        loader.checkLimits(addresses)
        loader.checkTimes()
        loader.checkConsumerGroups()
        if !loader.problems.isEmpty { throw ConfigurationProblems(lines: loader.problems) }
        return (BrokerConfiguration(layers: loader.layers, addresses: addresses), loader.warnings)
    }

    private init(hostName: String) { self.hostName = hostName }

    /// Values as they stand so far; wrong ones are left out, so their defaults show.
    var values: ConfigurationValues {
        let layers = layers
        return ConfigurationValues { layers.value($0) }
    }

    /// Whether somebody gave the setting a good value.
    func isSet(_ key: String) -> Bool { layers.atStart[key] != nil }

    /// Notes that the value of the first of `keys` does not do. Says nothing where one of them is
    /// wrong by itself: the sentence would be about a default that nobody chose.
    mutating func refuse(_ keys: String..., because sentence: String) {
        if keys.contains(where: wrong.contains) { return }
        let origin = keys.compactMap { written[$0]?.origin }.first.map { "\($0): " } ?? ""
        problems.append("\(origin)\(sentence)")
    }

    /// Notes that what the setting says could not be read, so that nothing is concluded from it.
    mutating func distrust(_ key: String) { wrong.insert(key) }

    mutating func warn(_ key: String, _ sentence: String) {
        warnings.append((written[key].map { "\($0.origin): " } ?? "") + sentence)
    }

    // MARK: One value at a time

    private mutating func take(_ properties: [Property]) {
        for property in properties { note(property) }
        var withoutEffect: [String] = []
        for property in properties {
            let (name, value) = (property.key, property.value)
            if ConfigurationKey.broker(name) != nil {
                if written[name] == property { checkValue(property) }
                continue
            }
            switch KnownKeys.answer(to: name, value: value) {
            case .withoutEffect:
                if !withoutEffect.contains(name) { withoutEffect.append(name) }
            case .refused(let reason):
                problems.append("\(property.origin): \(name) cannot be had: \(reason)")
            case nil: problems.append("\(property.origin): \(unknown(name))")
            }
        }
        if !withoutEffect.isEmpty {
            let names = withoutEffect.joined(separator: ", ")
            warnings.append("settings of Kafka that have no effect here: \(names)")
        }
    }

    private mutating func note(_ property: Property) {
        let name = property.key
        guard let key = ConfigurationKey.broker(name) else { return }
        if let earlier = written[name], property.origin != CommandLineOrigin.override {
            warnings.append(
                "\(property.origin): \(name) was set at \(earlier.origin) too; this one counts")
        }
        written[name] = property
        if case .none(let reason) = key.effect {
            warnings.append("\(property.origin): \(name) has no effect: \(reason)")
        }
    }

    private mutating func checkValue(_ property: Property) {
        guard let key = ConfigurationKey.broker(property.key) else { return }
        guard let problem = key.problem(with: property.value) else {
            // An empty value of a setting without default is Kafka's way to leave it unset.
            let isEmpty = ConfigurationText.trim(property.value).isEmpty
            if !isEmpty || key.defaultText != nil { layers.atStart[key.name] = property.value }
            return
        }
        wrong.insert(key.name)
        let shown = key.isSensitive ? "" : "=\(property.value)"
        problems.append("\(property.origin): \(key.name)\(shown) \(problem)")
    }

    private func unknown(_ name: String) -> String {
        if let topic = ConfigurationKey.topic(name), let broker = topic.synonyms.first {
            return
                "\(name) is a setting of topics; the broker's default for it is \(broker.name)"
        }
        let names = ConfigurationKey.brokerKeys.map(\.name) + KnownKeys.suggestions
        return "no setting is called \(name)" + ConfigurationRules.didYouMean(name, among: names)
    }
}

extension BrokerConfiguration {
    /// A configuration from settings by name, for tests and for a broker inside a program.
    package init(
        _ settings: [String: String] = [:], hostName: String = "localhost"
    ) throws(ConfigurationProblems) {
        let properties = settings.sorted { $0.key < $1.key }.map {
            Property(key: $0.key, value: $0.value, origin: "settings")
        }
        self = try ConfigurationLoader.load(properties, hostName: hostName).configuration
    }
}
