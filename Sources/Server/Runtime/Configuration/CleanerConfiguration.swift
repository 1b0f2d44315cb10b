/// How the broker compacts its logs. What a topic asks for is in `TopicConfiguration`.
package struct CleanerConfiguration: Sendable {
    package let isEnabled: Bool
    package let threads: Int
    /// Of each thread.
    package let mapBytes: Int
    package let mapLoadFactor: Double
    /// Read, and written, in one piece by each thread.
    package let bufferBytes: Int
    /// Of all threads together.
    package let bytesPerSecond: Double
    package let backoffMilliseconds: Int64

    init(_ values: ConfigurationValues) {
        isEnabled = values.bool("log.cleaner.enable")
        threads = values.int("log.cleaner.threads")
        mapBytes = values.int("log.cleaner.dedupe.buffer.size") / threads
        mapLoadFactor = values.double("log.cleaner.io.buffer.load.factor")
        bufferBytes = values.int("log.cleaner.io.buffer.size") / threads / 2
        bytesPerSecond = values.double("log.cleaner.io.max.bytes.per.second")
        // An idle broker must not wake up often.
        backoffMilliseconds = max(values.int64("log.cleaner.backoff.ms"), 500)
    }
}
