package import Primitives

/// An address under which a node can be reached.
package struct NodeEndpoint: Equatable, Sendable {
    /// The listener's name, such as `PLAINTEXT`.
    package let name: String
    package let host: String
    package let port: UInt16
    /// 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
    package let securityProtocol: Int16

    package init(name: String, host: String, port: UInt16, securityProtocol: Int16) {
        self.name = name
        self.host = host
        self.port = port
        self.securityProtocol = securityProtocol
    }
}

/// The levels of a feature that a node can work with (KIP-584).
package struct FeatureRange: Equatable, Sendable {
    package let name: String
    package let minimum: Int16
    package let maximum: Int16

    package init(name: String, minimum: Int16, maximum: Int16) {
        self.name = name
        self.minimum = minimum
        self.maximum = maximum
    }
}

/// A registered broker, as of one image.
package struct BrokerImage: Equatable, Sendable {
    package let id: BrokerID
    /// The number of this life of the broker; requests with another are stale.
    package let epoch: BrokerEpoch
    /// Made anew at each start of the process: tells a restart from a repeated registration.
    package let incarnationID: UUID128
    package let endpoints: [NodeEndpoint]
    package let features: [FeatureRange]
    package let rack: String?
    /// A fenced broker leads nothing and is not shown to clients.
    package internal(set) var isFenced: Bool
    package internal(set) var isInControlledShutdown: Bool
    /// The log directories that are online; empty for a broker that names none.
    package internal(set) var directories: [UUID128]

    /// Whether it may lead partitions and join in-sync sets.
    package var isActive: Bool { !isFenced && !isInControlledShutdown }
}

/// A registered controller, as of one image (KIP-919).
package struct ControllerImage: Equatable, Sendable {
    package let id: BrokerID
    package let incarnationID: UUID128
    package let endpoints: [NodeEndpoint]
    package let features: [FeatureRange]
}
