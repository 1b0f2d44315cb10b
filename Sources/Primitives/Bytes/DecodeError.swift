/// Why bytes from outside could not be read, and where.
///
/// `position` counts from the start of the bytes that the reader was given.
public struct DecodeError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: Equatable, Sendable {
        /// More was promised than is there.
        case truncated(needed: Int, available: Int)
        /// A length below zero where a value must stand.
        case negativeLength(Int)
        /// A count of elements that could not fit into what is left, whatever they hold.
        case countTooLarge(Int, available: Int)
        /// A variable-length integer of more bytes than its type has.
        case varintTooLong
        case invalidUTF8
        /// Null where the version in use has no null.
        case unexpectedNull
        /// A tagged field twice, or tags out of order.
        case tagOutOfOrder(Int)
        /// A tagged field whose content is shorter or longer than its size says.
        case tagSizeMismatch(tag: Int, declared: Int, read: Int)
        case trailingBytes(Int)
        case unsupportedVersion(Int)
        /// A value outside what the format allows; the text says which and what was expected.
        case invalid(String)
    }

    public let reason: Reason
    public let position: Int

    public init(_ reason: Reason, at position: Int) {
        self.reason = reason
        self.position = position
    }

    public var description: String {
        let what =
            switch reason {
            case .truncated(let needed, let available):
                "\(needed) bytes expected, \(available) left"
            case .negativeLength(let length): "negative length \(length)"
            case .countTooLarge(let count, let available):
                "\(count) elements announced in \(available) bytes"
            case .varintTooLong: "variable-length integer too long"
            case .invalidUTF8: "text is not UTF-8"
            case .unexpectedNull: "null where a value is required"
            case .tagOutOfOrder(let tag): "tagged field \(tag) repeated or out of order"
            case .tagSizeMismatch(let tag, let declared, let read):
                "tagged field \(tag) declares \(declared) bytes, holds \(read)"
            case .trailingBytes(let count): "\(count) bytes left over"
            case .unsupportedVersion(let version): "unsupported version \(version)"
            case .invalid(let text): text
            }
        return "at byte \(position): \(what)"
    }
}
