internal import Primitives
internal import RecordFormat

/// Messages of format 0 and 1, which Kafka wrote before 0.11. They are recognised so that they can
/// be refused by name: to a reader of batches they look like damage, and damage at a log's end is
/// cut off.
///
/// Layout: offset (8), size (4), CRC-32 of what follows (4), magic (1), and then at least
/// attributes (1), key length (4) and value length (4).
enum OldMessage {
    private static let headSize = 17
    private static let sizePosition = 8
    private static let prefixSize = 12
    private static let checksumPosition = 12
    private static let magicPosition = 16
    private static let smallest = 14
    /// More than any broker of that time took.
    private static let largest = 64 << 20

    /// The format of the whole message that begins at `position` of `file`; nil where none does.
    static func format(
        in file: any File, at position: Int, end: Int
    ) throws(FileError) -> Int8? {
        guard end - position >= headSize else { return nil }
        let head = try file.read(count: headSize, at: position)
        let magic = head.load(at: magicPosition, as: Int8.self)
        let size = Int(head.load(at: sizePosition, as: Int32.self))
        guard magic == 0 || magic == 1, size >= smallest, size <= largest,
            size <= end - position - prefixSize
        else { return nil }
        let checksum = head.load(at: checksumPosition, as: UInt32.self)
        let content = try file.read(
            count: prefixSize + size - magicPosition, at: position + magicPosition)
        return content.crc32 == checksum ? magic : nil
    }

    static func refusal(of format: Int8) -> String {
        "a message of format \(format), as Kafka wrote before 0.11: only format 2 is served"
    }
}
