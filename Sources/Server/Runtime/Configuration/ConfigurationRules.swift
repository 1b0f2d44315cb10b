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

    static func didYouMean(_ name: String, among names: [String]) -> String {
        NearestName.find(name, among: names).map { "; did you mean \($0)?" } ?? ""
    }
}
