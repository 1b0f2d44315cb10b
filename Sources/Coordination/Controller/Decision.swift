package import Primitives
package import WireProtocol

/// An answer, and the records that must be committed before it may be sent.
package struct Decision<Response: Sendable>: Sendable {
    package let response: Response
    /// In the order in which they must lie in the log. Empty when nothing changes.
    package let records: [MetadataRecord]
    /// Whether the records must become visible together, that is, lie in one batch.
    package let isAtomic: Bool

    package init(_ response: Response, records: [MetadataRecord] = [], isAtomic: Bool = true) {
        self.response = response
        self.records = records
        self.isAtomic = isAtomic
    }
}

/// What a decision needs from outside.
package struct DecisionContext: Sendable {
    /// Where topic ids and the first broker of a placement come from.
    package let random: any RandomSource
    /// The offset that the decision's first record will have in the metadata log.
    package let nextOffset: Offset

    package init(random: any RandomSource, nextOffset: Offset) {
        self.random = random
        self.nextOffset = nextOffset
    }
}

/// Why a part of a request cannot be done: Kafka's error code and our words.
package struct Refusal: Error, Equatable, Sendable {
    package let code: ErrorCode
    package let message: String
    /// The numbers of those records of a batch that are at fault; none where it is the batch.
    package let records: [Int]

    package init(_ code: ErrorCode, _ message: String, records: [Int] = []) {
        self.code = code
        self.message = message
        self.records = records
    }
}
