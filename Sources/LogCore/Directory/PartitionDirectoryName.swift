internal import Primitives

/// The name of a directory inside a log directory.
enum PartitionDirectoryName: Equatable {
    case live(TopicPartition)
    /// Of a deleted log; its files go away later.
    case deleted
    /// Kafka's `-future` and `-stray` directories, and what else is not ours to touch.
    case other

    init(_ name: String) {
        if Self.isDeletedName(name) {
            self = .deleted
            return
        }
        guard let dash = name.lastIndex(of: "-") else {
            self = .other
            return
        }
        let topic = name[..<dash]
        let digits = name[name.index(after: dash)...]
        guard Self.isTopicName(topic), !digits.isEmpty,
            digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let partition = Int32(digits)
        else {
            self = .other
            return
        }
        self = .live(TopicPartition(topic: String(topic), partition: .init(partition)))
    }

    /// `….<32 hexadecimal digits>-delete`, and nothing less: what has the name is removed.
    private static func isDeletedName(_ name: String) -> Bool {
        guard name.hasSuffix("-delete") else { return false }
        let stem = name.utf8.dropLast("-delete".utf8.count)
        let digits = stem.suffix(32)
        return stem.count > 33 && stem.dropLast(32).last == UInt8(ascii: ".")
            && digits.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
    }

    /// Kafka's rule: 1 to 249 of `a-z A-Z 0-9 . _ -`, and neither `.` nor `..`.
    static func isTopicName(_ name: some StringProtocol) -> Bool {
        let letters = name.utf8
        guard letters.count >= 1, letters.count <= 249, name != ".", name != ".." else {
            return false
        }
        return letters.allSatisfy { letter in
            switch letter {
            case 0x61...0x7a, 0x41...0x5a, 0x30...0x39, 0x2d, 0x2e, 0x5f: true
            default: false
            }
        }
    }

    /// Where a deleted log waits for its removal.
    static func deletedName(of partition: TopicPartition, unique: UUID128) -> String {
        name(of: partition, unique, ending: "-delete")
    }

    /// Where a log is kept that no topic owns. Reads as `other`.
    static func strayName(of partition: TopicPartition, unique: UUID128) -> String {
        name(of: partition, unique, ending: "-stray")
    }

    /// `<topic>-<partition>.<32 hexadecimal digits><ending>`, the topic cut so that the whole has
    /// at most 255 bytes.
    private static func name(
        of partition: TopicPartition, _ unique: UUID128, ending: String
    ) -> String {
        let suffix = "-\(partition.partition).\(hex(unique.high))\(hex(unique.low))\(ending)"
        // Topic names are ASCII: characters are bytes.
        return String(partition.topic.prefix(255 - suffix.utf8.count)) + suffix
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
