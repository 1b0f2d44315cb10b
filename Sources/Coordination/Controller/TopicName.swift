/// The rules for a topic's name.
package enum TopicName {
    package static let maximumLength = 249
    /// The log of the metadata itself, which is no topic.
    package static let clusterMetadata = "__cluster_metadata"

    /// Whether brokers keep the topic for themselves.
    package static func isInternal(_ name: String) -> Bool {
        name == "__consumer_offsets" || name == "__transaction_state"
    }

    /// Why no topic can have this name; nil when one can.
    package static func problem(with name: String) -> String? {
        if name.isEmpty { return "A topic's name must not be empty." }
        if name == "." || name == ".." { return "'\(name)' cannot be a topic's name." }
        if name.utf8.count > maximumLength {
            return "A topic's name has at most \(maximumLength) characters; this one has "
                + "\(name.utf8.count)."
        }
        if !name.utf8.allSatisfy(isLegal) {
            return "The topic name '\(name)' has a character other than ASCII letters, digits, "
                + "'.', '_' and '-'."
        }
        return nil
    }

    /// What names that cannot be told apart in the names of metrics have in common; nil for a name
    /// without `.` and `_`, which is always distinct.
    package static func confusionKey(of name: String) -> String? {
        guard name.utf8.contains(where: { $0 == dot || $0 == underscore }) else { return nil }
        return String(name.map { $0 == "." ? "_" : $0 })
    }

    private static let dot = UInt8(ascii: ".")
    private static let underscore = UInt8(ascii: "_")

    private static func isLegal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), dot, underscore, UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
