internal import RecordFormat

/// A setting as the catalog writes it: under Kafka's name where Kafka has it, else under one of our
/// own.
private struct SettingText: Sendable {
    let name: String
    /// nil where the setting has no value.
    let write: @Sendable (TopicSettings) -> String?
    /// False for a text that is no value of the setting.
    let read: @Sendable (Substring, inout TopicSettings) -> Bool

    init(
        _ name: String, write: @escaping @Sendable (TopicSettings) -> String?,
        read: @escaping @Sendable (Substring, inout TopicSettings) -> Bool
    ) {
        self.name = name
        self.write = write
        self.read = read
    }
}

extension SettingText {
    static func number(
        _ name: String, _ path: any WritableKeyPath<TopicSettings, Int> & Sendable
    ) -> SettingText {
        SettingText(name) {
            String($0[keyPath: path])
        } read: { text, settings in
            guard let value = Int(text) else { return false }
            settings[keyPath: path] = value
            return true
        }
    }

    static func ratio(
        _ name: String, _ path: any WritableKeyPath<TopicSettings, Double> & Sendable
    ) -> SettingText {
        SettingText(name) {
            String($0[keyPath: path])
        } read: { text, settings in
            guard let value = Double(text) else { return false }
            settings[keyPath: path] = value
            return true
        }
    }

    static func optional(
        _ name: String, _ path: any WritableKeyPath<TopicSettings, Int?> & Sendable
    ) -> SettingText {
        SettingText(name) {
            $0[keyPath: path].map { String($0) }
        } read: { text, settings in
            settings[keyPath: path] = Int(text)
            return settings[keyPath: path] != nil
        }
    }

    static func duration(
        _ name: String, _ path: any WritableKeyPath<TopicSettings, Duration> & Sendable
    ) -> SettingText {
        SettingText(name) {
            String($0[keyPath: path].milliseconds)
        } read: { text, settings in
            guard let value = Int64(text) else { return false }
            settings[keyPath: path] = .milliseconds(value)
            return true
        }
    }

    static func optional(
        _ name: String, _ path: any WritableKeyPath<TopicSettings, Duration?> & Sendable
    ) -> SettingText {
        SettingText(name) {
            $0[keyPath: path].map { String($0.milliseconds) }
        } read: {
            text, settings in
            settings[keyPath: path] = Int64(text).map { .milliseconds($0) }
            return settings[keyPath: path] != nil
        }
    }

    static func choice<Value: RawRepresentable<String> & SendableMetatype>(
        _ name: String, _ path: any WritableKeyPath<TopicSettings, Value> & Sendable
    ) -> SettingText {
        SettingText(name) {
            $0[keyPath: path].rawValue
        } read: { text, settings in
            guard let value = Value(rawValue: String(text)) else { return false }
            settings[keyPath: path] = value
            return true
        }
    }

    static let all: [SettingText] = [
        .choice("cleanup.policy", \.cleanup),
        .ratio("min.cleanable.dirty.ratio", \.compaction.dirtyRatio),
        .duration("min.compaction.lag.ms", \.compaction.minimumAge),
        .optional("max.compaction.lag.ms", \.compaction.maximumAge),
        .duration("delete.retention.ms", \.compaction.deletedKeyRetention),
        .optional("retention.ms", \.retention),
        .optional("retention.bytes", \.retentionBytes),
        .number("segment.bytes", \.segmentBytes),
        .duration("segment.ms", \.segmentAge),
        .choice("compression.type", \.compression),
        .optional("compression.level", \.compressionLevel),
        .number("batch.size", \.batchBytes),
        .number("max.message.bytes", \.maximumRecordBytes),
        .choice("message.timestamp.type", \.timestamps),
        .choice("durability", \.durability),
    ]
}

extension TopicSettings {
    /// The settings as words `name=value`, always in the same order.
    var words: [String] {
        SettingText.all.compactMap { setting in
            setting.write(self).map { "\(setting.name)=\($0)" }
        }
    }

    /// Settings from such words. A name that is not known is passed over: a later version wrote it.
    ///
    /// - Throws: `invalidSettings` for a value that cannot be.
    init(words: some Sequence<Substring>) throws(LogStoreError) {
        self.init()
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw .invalidSettings("\"\(word)\" is not a name and a value")
            }
            guard let setting = SettingText.all.first(where: { $0.name == parts[0] }) else {
                continue
            }
            guard setting.read(parts[1], &self) else {
                throw .invalidSettings("\"\(parts[1])\" is no value of \(setting.name)")
            }
        }
        try check()
    }

    /// - Throws: `invalidSettings` for a value outside its range.
    func check() throws(LogStoreError) {
        func require(
            _ name: String, _ value: Int, in range: ClosedRange<Int>
        ) throws(LogStoreError) {
            guard range.contains(value) else {
                throw .invalidSettings(
                    "\(name) is \(value), not from \(range.lowerBound) to \(range.upperBound)")
            }
        }
        try require("segmentBytes", segmentBytes, in: 1024...Int(Int32.max))
        try require("batchBytes", batchBytes, in: 1024...1 << 30)
        try require("maximumRecordBytes", maximumRecordBytes, in: 128...1 << 30)
        if let retentionBytes {
            try require("retentionBytes", retentionBytes, in: 0...Int.max)
        }
        func require(_ name: String, _ value: Duration?, atLeast least: Duration = .zero)
            throws(LogStoreError)
        {
            guard let value, value < least || value > Self.longest else { return }
            throw .invalidSettings("\(name) is not from \(least) to 100 million days")
        }
        try require("retention", retention)
        try require("segmentAge", segmentAge, atLeast: .milliseconds(1))
        try require("compaction.minimumAge", compaction.minimumAge)
        try require("compaction.maximumAge", compaction.maximumAge, atLeast: .milliseconds(1))
        try require("compaction.deletedKeyRetention", compaction.deletedKeyRetention)
        guard compaction.dirtyRatio >= 0, compaction.dirtyRatio <= 1 else {
            throw .invalidSettings("compaction.dirtyRatio is not from 0 to 1")
        }
        if let compressionLevel, let levels = codec.levels {
            try require("compressionLevel", compressionLevel, in: levels)
        }
    }

    private static let longest = Duration.seconds(86_400 * 100_000_000)

    var codec: RecordFormat.Compression {
        switch compression {
        case .none: .none
        case .gzip: .gzip
        case .snappy: .snappy
        case .lz4: .lz4
        case .zstd: .zstd
        }
    }

    /// The part that the topic's logs act on.
    var logConfiguration: LogConfiguration {
        var configuration = LogConfiguration()
        configuration.segmentBytes = segmentBytes
        configuration.segmentMilliseconds = segmentAge.milliseconds
        configuration.retentionBytes = retentionBytes.map { Int64($0) } ?? -1
        configuration.retentionMilliseconds = retention?.milliseconds ?? -1
        configuration.maxMessageBytes = maximumRecordBytes
        configuration.timestampType = timestamps == .ofAppend ? .logAppendTime : .createTime
        configuration.minCleanableDirtyRatio = compaction.dirtyRatio
        configuration.minCompactionLagMilliseconds = compaction.minimumAge.milliseconds
        configuration.maxCompactionLagMilliseconds = compaction.maximumAge?.milliseconds ?? .max
        configuration.deleteRetentionMilliseconds = compaction.deletedKeyRetention.milliseconds
        configuration.cleanup =
            switch cleanup {
            case .delete: .delete
            case .compact: .compact
            case .compactAndDelete: [.compact, .delete]
            }
        return configuration
    }
}

extension Duration {
    /// Whole milliseconds, rounded down; where there are too many, the most or the fewest there are.
    var milliseconds: Int64 {
        let (whole, overflow) = components.seconds.multipliedReportingOverflow(by: 1000)
        let (all, more) = whole.addingReportingOverflow(
            components.attoseconds / 1_000_000_000_000_000)
        if !overflow, !more { return all }
        return components.seconds < 0 ? .min : .max
    }
}
