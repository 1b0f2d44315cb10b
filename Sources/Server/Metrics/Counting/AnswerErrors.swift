internal import WireProtocol

/// The error codes of one answer: of the whole, and of each of its parts that has one.
struct AnswerErrors: Sendable {
    /// How many say that there is no error: most of them.
    private(set) var none: UInt64 = 0
    /// The others, as they come.
    private(set) var codes: [Int16] = []

    init(_ response: some ResponseMessage, version: Int16) {
        var (none, codes) = (none, codes)
        response.forEachErrorCode(version: version) { code in
            if code == ErrorCode.noError.rawValue { none += 1 } else { codes.append(code) }
        }
        (self.none, self.codes) = (none, codes)
    }
}
