/// docs/config.md, made from the declarations.
package enum ConfigurationDocumentation {
    /// Ends without a line feed, as what `print` takes.
    package static var markdown: String {
        var lines = [
            "# Settings",
            "",
            "Made by `brokerd --print-config-docs` from the declarations in"
                + " `Sources/Server/Runtime/Configuration`; a test fails when the two differ.",
            "",
            "Names, types, ranges and defaults are those of Kafka 4.x, except where the first"
                + " start needs no file: `node.id`, `process.roles`, `listeners` and `log.dir` have"
                + " defaults of our own, and `num.network.threads` follows the machine. Apus' own"
                + " are `metrics.listener`, and `acknowledge.after.flush` of a topic, with the"
                + " broker's `log.acknowledge.after.flush` as its default.",
            "`brokerd` takes them from a file in Kafka's syntax and from `--override key=value`,"
                + " which counts over the file. A name that does not exist and a value that does"
                + " not pass stop the start, all of them listed at once.",
            "",
            "*Cluster-wide* settings can be changed while the broker runs; the others are read at"
                + " start only.",
            "",
            "## Broker settings",
        ]
        for group in ConfigurationKey.brokerGroups {
            lines += ["", "### \(group.title)", ""] + table(group.keys)
        }
        lines += [
            "", "## Topic settings", "",
            "Set when a topic is created or later. A setting that a topic does not have itself is"
                + " taken from the broker settings named beside it, the first that is set.",
            "",
        ]
        lines += table(ConfigurationKey.topicKeys)
        lines += [
            "", "## Group settings", "",
            "Of a single group of the new consumer protocol, set by its id, whether it exists or not."
                + " A setting that a group does not have itself is taken from the broker setting"
                + " named beside it.",
            "",
        ]
        lines += table(ConfigurationKey.ownGroupKeys)
        lines += known
        return lines.joined(separator: "\n")
    }

    private static var known: [String] {
        let prefixes = KnownKeys.acceptedPrefixes.sorted().map { "`\($0)*`" }
        let names = KnownKeys.accepted.sorted().map { "`\($0)`" }
        let conditional = KnownKeys.refusedUnless.sorted { $0.key < $1.key }.map { entry in
            let harmless = entry.value.harmless.isEmpty ? "empty" : "`\(entry.value.harmless)`"
            return "- `\(entry.key)`, unless \(harmless): \(entry.value.reason)."
        }
        return [
            "", "## Kafka's settings without effect", "",
            "These may stand in the file, so that one written for Kafka works; one line of the log"
                + " says which of them were met.",
            "",
            (prefixes + names).joined(separator: ", ") + ".",
            "", "## Kafka's settings that are refused", "",
        ] + KnownKeys.refusedPrefixes.map { "- `\($0.prefix)*`: \($0.reason)." } + conditional
    }

    private static func table(_ keys: [ConfigurationKey]) -> [String] {
        let hasSynonyms = keys.contains { !$0.synonyms.isEmpty }
        let third = hasSynonyms ? "Broker settings" : "Update"
        return [
            "| Setting | Type, values | Default | \(third) | Importance | Meaning |",
            "|---|---|---|---|---|---|",
        ]
            + keys.filter { !$0.isInternal }.map { key in
                let limit = key.limit.description.map { ", \($0)" } ?? ""
                let names = key.synonyms.map { "`\($0.name)`" }.joined(separator: ", ")
                let cells = [
                    "`\(key.name)`", key.kind.name + limit, defaultText(key),
                    hasSynonyms ? names : key.update.rawValue, key.importance.rawValue,
                    meaning(key),
                ]
                return "| " + cells.joined(separator: " | ") + " |"
            }
    }

    private static func defaultText(_ key: ConfigurationKey) -> String {
        guard let text = key.defaultText else { return "none" }
        return text.isEmpty ? "empty" : "`\(text)`"
    }

    private static func meaning(_ key: ConfigurationKey) -> String {
        switch key.effect {
        case .full: key.documentation
        case .none(let reason): "\(key.documentation) *No effect: \(reason).*"
        }
    }
}
