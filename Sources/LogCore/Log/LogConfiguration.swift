package import RecordFormat

/// What a topic's settings say about its logs, by Kafka's names in camel case; defaults are Kafka
/// 4's.
///
/// Times are milliseconds, sizes bytes. -1 means "no limit" for `retentionBytes` and
/// `retentionMilliseconds`.
package struct LogConfiguration: Sendable, Equatable {
    /// `cleanup.policy`: what happens to old data. Both may hold at once.
    package struct Cleanup: OptionSet, Sendable, Equatable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let delete = Cleanup(rawValue: 1)
        package static let compact = Cleanup(rawValue: 2)
    }

    package var segmentBytes = 1_073_741_824
    package var segmentMilliseconds: Int64 = 604_800_000
    package var segmentJitterMilliseconds: Int64 = 0
    package var segmentIndexBytes = 10_485_760
    package var indexIntervalBytes = 4096
    package var retentionBytes: Int64 = -1
    package var retentionMilliseconds: Int64 = 604_800_000
    /// Records that may be appended before an append itself flushes.
    package var flushMessages = Int64.max
    /// Age of the oldest unflushed record at which housekeeping flushes.
    package var flushMilliseconds = Int64.max
    package var fileDeleteDelayMilliseconds: Int64 = 60_000
    /// The largest batch that a leader's append takes.
    package var maxMessageBytes = 1_048_588
    package var cleanup: Cleanup = .delete
    package var timestampType: TimestampType = .createTime
    /// The dirty share of a compacted log above which it is cleaned.
    package var minCleanableDirtyRatio = 0.5
    /// How long a record stays as it is at least before cleaning may take it.
    package var minCompactionLagMilliseconds: Int64 = 0
    /// How long an old value may stay at most: then the log is cleaned whatever its dirty share.
    package var maxCompactionLagMilliseconds = Int64.max
    /// How long tombstones and transaction markers stay once cleaning has seen them.
    package var deleteRetentionMilliseconds: Int64 = 86_400_000
    /// `producer.id.expiration.ms`: how long a silent idempotent producer is remembered.
    package var producerExpirationMilliseconds: Int64 = 86_400_000
    /// Idempotent producers remembered at once; beyond it those silent for longest are forgotten.
    package var maximumProducers = 65_536
    /// Bytes that one batch may expand to when a reader, a search by time or cleaning opens it.
    package var decompressionLimit = LogConfiguration.defaultDecompressionLimit

    package static let defaultDecompressionLimit = 134_217_728

    package init() {}

    /// The age at which a segment is left: of a compacted log no later than its records must be
    /// cleaned, for the active segment never is.
    var largestSegmentAge: Int64 {
        cleanup.contains(.compact)
            ? min(segmentMilliseconds, max(maxCompactionLagMilliseconds, 1)) : segmentMilliseconds
    }
}
