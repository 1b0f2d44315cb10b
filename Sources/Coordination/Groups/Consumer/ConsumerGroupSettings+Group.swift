/// What can be set for a single group of the new protocol (KIP-848).
extension ConsumerGroupSettings {
    /// Kafka's names. Without a value the node's setting holds, whose name begins with `group.`.
    package enum OwnSetting: String, CaseIterable, Sendable {
        case sessionTimeout = "consumer.session.timeout.ms"
        case heartbeatInterval = "consumer.heartbeat.interval.ms"
    }

    /// As they hold for a group that has `own` settings. What the metadata log has from elsewhere
    /// and cannot be is left out; the node's bounds are for those who set something, not for what
    /// is set.
    func with(_ own: ResourceConfiguration) -> Self {
        if own.isEmpty { return self }
        var result = self
        for setting in OwnSetting.allCases {
            guard let value = own[setting.rawValue].flatMap(Self.positive) else { continue }
            switch setting {
            case .sessionTimeout: result.sessionTimeout = value
            case .heartbeatInterval: result.heartbeatInterval = value
            }
        }
        return result
    }

    /// Settings are kept as they were written, with spaces around them if there were any.
    private static func positive(_ text: String) -> Int32? {
        let isSpace = { (scalar: Unicode.Scalar) in scalar.value <= 0x20 }
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !isSpace($0) }),
            let last = scalars.lastIndex(where: { !isSpace($0) }),
            let value = Int32(String(scalars[first...last]))
        else { return nil }
        return value > 0 ? value : nil
    }
}
