/// Whether settings may be changed as a client asks. Every answer is a sentence for the client that
/// says what is wrong, or nil.
package enum ConfigurationRules {
    /// One setting of a topic.
    package static func validateTopic(_ name: String, _ value: String) -> String? {
        guard let key = ConfigurationKey.topic(name) else {
            let names = ConfigurationKey.topicKeys.filter { !$0.isInternal }.map(\.name)
            return "\(name) is no topic setting" + didYouMean(name, among: names)
        }
        if let problem = key.problem(with: value) { return "\(name)=\(value) \(problem)" }
        if name == "remote.storage.enable", ConfigurationText.boolean(value) == true {
            return "remote.storage.enable=true cannot be had: tiered storage is not offered"
        }
        return nil
    }

    /// All settings that a topic would have, each and together.
    package static func validateTopic(
        overrides: [String: String], broker: BrokerConfiguration
    ) -> String? {
        for (name, value) in overrides.sorted(by: { $0.key < $1.key }) {
            if let problem = validateTopic(name, value) { return problem }
        }
        let topic = TopicConfiguration(overrides: overrides, broker: broker)
        let (least, most) = (topic.minCompactionLagMilliseconds, topic.maxCompactionLagMilliseconds)
        if least > most {
            return "min.compaction.lag.ms=\(least) is more than max.compaction.lag.ms=\(most)"
        }
        return nil
    }

    /// One setting of a broker, changed while it runs.
    package static func validateBroker(_ name: String, _ value: String) -> String? {
        guard let key = ConfigurationKey.broker(name) else {
            if KnownKeys.answer(to: name, value: value) != nil {
                return "\(name) has no effect here and cannot be changed"
            }
            let names = ConfigurationKey.brokerKeys.map(\.name)
            return "\(name) is no broker setting" + didYouMean(name, among: names)
        }
        if let problem = key.problem(with: value) { return "\(name)=\(value) \(problem)" }
        if key.update == .readOnly {
            return "\(name) is read at start only: set it in server.properties and start again"
        }
        return nil
    }

    /// One setting of a single group.
    package static func validateGroup(_ name: String, _ value: String) -> String? {
        guard let key = ConfigurationKey.group(name) else {
            for kind in ["share", "streams"] where name.hasPrefix("\(kind).") {
                return "\(name) is a setting of \(kind) groups, and there are none here"
            }
            let names = ConfigurationKey.ownGroupKeys.map(\.name)
            return "\(name) is no group setting" + didYouMean(name, among: names)
        }
        return key.problem(with: value).map { "\(name)=\(value) \($0)" }
    }

    /// All settings that a group would have: each within the broker's bounds, and a session that
    /// holds a heartbeat.
    package static func validateGroup(
        own: [String: String], broker: BrokerConfiguration
    ) -> String? {
        let bounds = ConfigurationValues { broker.layers.value($0) }
        let values = ConfigurationValues { name in
            ConfigurationKey.group(name).flatMap {
                broker.layers.value(of: $0, own: own[name], from: .dynamicGroup)?.text
            }
        }
        for (name, bound) in GroupConfiguration.bounds {
            let value = values.int64(name)
            if value < bounds.int64(bound.least) {
                return "\(name)=\(value) is less than \(bound.least)=\(bounds.int64(bound.least))"
            }
            if value > bounds.int64(bound.most) {
                return "\(name)=\(value) is more than \(bound.most)=\(bounds.int64(bound.most))"
            }
        }
        let (session, heartbeat) = (GroupConfiguration.session, GroupConfiguration.heartbeat)
        if values.int64(heartbeat) >= values.int64(session) {
            return "\(heartbeat)=\(values.int64(heartbeat)) is not less than"
                + " \(session)=\(values.int64(session))"
        }
        return nil
    }

    static func didYouMean(_ name: String, among names: [String]) -> String {
        NearestName.find(name, among: names).map { "; did you mean \($0)?" } ?? ""
    }
}
