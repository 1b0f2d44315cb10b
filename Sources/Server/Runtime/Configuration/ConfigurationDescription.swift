/// One setting as DescribeConfigs shows it.
package struct ConfigurationEntry: Sendable {
    /// A value for the same setting that was given under some name, somewhere.
    package struct Synonym: Sendable, Equatable {
        package let name: String
        package let value: String?
        package let source: ConfigurationSource
    }

    package let name: String
    /// nil where there is none, or where it must not be shown.
    package let value: String?
    package let source: ConfigurationSource
    package let isReadOnly: Bool
    package let isSensitive: Bool
    /// Every value given, the one that counts first.
    package let synonyms: [Synonym]
    package let kind: ConfigurationKey.Kind
    package let documentation: String

    init(
        _ key: ConfigurationKey, value: (text: String, source: ConfigurationSource)?,
        synonyms: [Synonym]
    ) {
        name = key.name
        self.value = key.isSensitive ? nil : value.map { key.canonical($0.text) }
        source = value?.source ?? .defaultValue
        isReadOnly = key.update == .readOnly
        isSensitive = key.isSensitive
        self.synonyms = synonyms
        kind = key.kind
        documentation = key.documentation
    }
}

extension BrokerConfiguration {
    /// Every broker setting, sorted by name.
    package var entries: [ConfigurationEntry] {
        ConfigurationKey.brokerKeys.filter { !$0.isInternal }.map { key in
            let names = [ConfigurationKey.Synonym(name: key.name, factor: 1)]
            return ConfigurationEntry(
                key, value: layers.value(names), synonyms: layers.given(names))
        }
    }

    /// What was set for all brokers while running, sorted by name.
    package var clusterDefaultEntries: [ConfigurationEntry] {
        layers.forCluster.sorted { $0.key < $1.key }.compactMap { name, text in
            guard let key = ConfigurationKey.broker(name) else { return nil }
            return ConfigurationEntry(
                key, value: (text, .dynamicDefaultBroker),
                synonyms: [
                    .init(
                        name: name, value: key.isSensitive ? nil : key.canonical(text),
                        source: .dynamicDefaultBroker)
                ])
        }
    }
}

extension TopicConfiguration {
    /// Every setting of a topic with these settings of its own, sorted by name.
    package static func entries(
        overrides: [String: String], broker: BrokerConfiguration
    ) -> [ConfigurationEntry] {
        broker.layers.entries(
            ConfigurationKey.topicKeys.filter { !$0.isInternal }, own: overrides,
            from: .dynamicTopic)
    }
}

extension GroupConfiguration {
    /// Every setting of a group with these settings of its own, sorted by name.
    package static func entries(
        own: [String: String], broker: BrokerConfiguration
    ) -> [ConfigurationEntry] {
        broker.layers.entries(ConfigurationKey.ownGroupKeys, own: own, from: .dynamicGroup)
    }
}

extension ConfigurationLayers {
    /// The settings of a topic or a group that has some of its own.
    fileprivate func entries(
        _ keys: [ConfigurationKey], own: [String: String], from source: ConfigurationSource
    ) -> [ConfigurationEntry] {
        keys.map { key in
            let value = value(of: key, own: own[key.name], from: source)
            var synonyms = given(key.synonyms)
            if let value, value.source == source {
                synonyms.insert(
                    .init(name: key.name, value: key.canonical(value.text), source: source), at: 0)
            }
            return ConfigurationEntry(key, value: value, synonyms: synonyms)
        }
    }

    /// Every value given under one of the names, in the order in which they would count, each in
    /// its own name's unit; the declared defaults last.
    func given(_ names: [ConfigurationKey.Synonym]) -> [ConfigurationEntry.Synonym] {
        var found: [ConfigurationEntry.Synonym] = []
        func add(_ name: String, _ text: String?, _ source: ConfigurationSource) {
            guard let text, let key = ConfigurationKey.broker(name) else { return }
            let shown = key.isSensitive ? nil : key.canonical(text)
            found.append(.init(name: name, value: shown, source: source))
        }
        for (source, values) in inOrder {
            for name in names { add(name.name, values[name.name], source) }
        }
        for name in names {
            add(name.name, ConfigurationKey.broker(name.name)?.defaultText, .defaultValue)
        }
        return found
    }
}
