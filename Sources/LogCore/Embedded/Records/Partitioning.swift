internal import Primitives

/// Which partition a key belongs to: as Kafka's clients have it by default, so that programs on
/// either side agree.
enum Partitioning {
    /// `murmur2(key)`, without its sign bit, modulo `count`.
    static func partition(of key: RecordBytes, count: Int) -> Int {
        key.bytes.partition(among: count)
    }
}
