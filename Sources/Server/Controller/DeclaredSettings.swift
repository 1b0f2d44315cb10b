internal import Coordination

/// What the controller asks about settings, answered from their declarations.
struct DeclaredSettings: ConfigurationSchema {
    /// The broker whose own settings are the topics' defaults.
    let broker: BrokerConfiguration

    private func declaration(_ name: String, _ type: ConfigResourceType) -> ConfigurationKey? {
        switch type {
        case .topic: .topic(name)
        case .broker: .broker(name)
        case .group: .group(name)
        case .brokerLogger, .clientMetrics: nil
        }
    }

    func shape(of name: String, for type: ConfigResourceType) -> SettingShape? {
        declaration(name, type).map { $0.kind == .list ? .list : .single }
    }

    func problem(with value: String, of name: String, on resource: ConfigResource) -> String? {
        switch resource.type {
        case .topic: ConfigurationRules.validateTopic(name, value)
        case .broker: ConfigurationRules.validateBroker(name, value)
        case .group: ConfigurationRules.validateGroup(name, value)
        case .brokerLogger, .clientMetrics: "resources of type \(resource.type) have no settings"
        }
    }

    func problem(withUnknown name: String, for type: ConfigResourceType) -> String {
        // Whatever the value: the name is what is wrong.
        problem(with: "", of: name, on: ConfigResource(type, ""))
            ?? "\(name) is no setting of type \(type)"
    }

    func problem(
        with configuration: ResourceConfiguration, on resource: ConfigResource
    ) -> String? {
        switch resource.type {
        case .topic:
            ConfigurationRules.validateTopic(
                overrides: configuration.dictionary, broker: broker)
        case .group: ConfigurationRules.validateGroup(own: configuration.dictionary, broker: broker)
        case .broker, .brokerLogger, .clientMetrics: nil
        }
    }

    func defaultValue(of name: String, for type: ConfigResourceType) -> String? {
        switch type {
        case .topic:
            TopicConfiguration.entries(overrides: [:], broker: broker).first { $0.name == name }?
                .value
        default: declaration(name, type)?.defaultText
        }
    }

    func effectiveTopicSettings(
        overrides: ResourceConfiguration, in image: MetadataImage
    ) -> [EffectiveSetting] {
        let broker = image.settings(of: broker)
        return TopicConfiguration.entries(overrides: overrides.dictionary, broker: broker).map {
            EffectiveSetting(
                name: $0.name, value: $0.value,
                source: EffectiveSetting.Source(rawValue: $0.source.rawValue) ?? .builtIn,
                isReadOnly: $0.isReadOnly, isSensitive: $0.isSensitive)
        }
    }
}

extension MetadataImage {
    /// A broker's settings with those that were changed while it ran.
    func settings(of broker: BrokerConfiguration) -> BrokerConfiguration {
        broker.applying(
            forCluster: configuration(of: .clusterDefault).dictionary,
            forBroker: configuration(of: ConfigResource(.broker, "\(broker.nodeID)")).dictionary)
    }
}
