/// What a dynamic configuration belongs to; the raw value is Kafka's on the wire and on disk.
package enum ConfigResourceType: Int8, Sendable, CaseIterable {
    case topic = 2
    case broker = 4
    case brokerLogger = 8
    case clientMetrics = 16
    case group = 32
}

/// One topic, one broker, or (type broker, empty name) all brokers.
package struct ConfigResource: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let type: ConfigResourceType
    package let name: String

    package init(_ type: ConfigResourceType, _ name: String) {
        self.type = type
        self.name = name
    }

    /// The defaults of every broker in the cluster.
    package static let clusterDefault = ConfigResource(.broker, "")

    package static func < (left: Self, right: Self) -> Bool {
        (left.type.rawValue, left.name) < (right.type.rawValue, right.name)
    }

    package var description: String {
        switch self {
        case .clusterDefault: "the cluster's brokers"
        default: "\(type) '\(name)'"
        }
    }
}

/// The settings of one resource that were set explicitly, ascending by name.
package struct ResourceConfiguration: Equatable, Sendable {
    package struct Setting: Equatable, Sendable {
        package let name: String
        package let value: String
    }

    package private(set) var settings: [Setting] = []

    package static let empty = ResourceConfiguration()

    package init() {}

    package var isEmpty: Bool { settings.isEmpty }

    /// The value set explicitly; setting nil removes it.
    package subscript(name: String) -> String? {
        get { settings.first { $0.name == name }?.value }
        set {
            let position = settings.firstIndex { $0.name >= name } ?? settings.count
            let isThere = position < settings.count && settings[position].name == name
            switch (newValue, isThere) {
            case (let value?, true): settings[position] = Setting(name: name, value: value)
            case (let value?, false):
                settings.insert(Setting(name: name, value: value), at: position)
            case (nil, true): settings.remove(at: position)
            case (nil, false): break
            }
        }
    }
}
