/// What the controller must know about settings. The settings themselves are declared elsewhere.
package protocol ConfigurationSchema: Sendable {
    /// Whether the setting exists for resources of this type, and whether it is a list.
    func shape(of name: String, for type: ConfigResourceType) -> SettingShape?

    /// Why there is no such setting for resources of this type, in a sentence. Only asked about
    /// settings without a shape.
    func problem(withUnknown name: String, for type: ConfigResourceType) -> String

    /// Why the setting cannot have this value on this resource, in a sentence; nil when it can.
    /// Only asked about settings that exist. A setting that cannot change while a broker runs, or
    /// not for all brokers at once, is refused here too.
    func problem(with value: String, of name: String, on resource: ConfigResource) -> String?

    /// Why these settings cannot stand together on the resource; nil when they can.
    func problem(
        with configuration: ResourceConfiguration, on resource: ConfigResource
    ) -> String?

    /// What APPEND and SUBTRACT start from while the setting was not set.
    func defaultValue(of name: String, for type: ConfigResourceType) -> String?

    /// All settings of a topic that has `overrides` of its own in a cluster like `image`, ascending
    /// by name.
    func effectiveTopicSettings(
        overrides: ResourceConfiguration, in image: MetadataImage
    ) -> [EffectiveSetting]
}

package enum SettingShape: Sendable {
    case single
    /// Several values between commas.
    case list
}

/// A setting as it takes effect, and where it comes from.
package struct EffectiveSetting: Equatable, Sendable {
    /// Kafka's numbers for the places that a value can come from.
    package enum Source: Int8, Sendable {
        case topic = 1
        case broker = 2
        case clusterDefault = 3
        /// The broker's properties file.
        case staticBroker = 4
        case builtIn = 5
    }

    package let name: String
    package let value: String?
    package let source: Source
    package let isReadOnly: Bool
    /// The value must not be shown.
    package let isSensitive: Bool

    package init(
        name: String, value: String?, source: Source, isReadOnly: Bool = false,
        isSensitive: Bool = false
    ) {
        self.name = name
        self.value = value
        self.source = source
        self.isReadOnly = isReadOnly
        self.isSensitive = isSensitive
    }
}
