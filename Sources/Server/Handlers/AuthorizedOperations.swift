/// Bit sets of what a client may do (KIP-430). Without an authorizer everybody may do all there is.
enum AuthorizedOperations {
    /// create, alter, describe, cluster action, describe configs, alter configs, idempotent write
    static let cluster: Int32 = bits([5, 7, 8, 9, 10, 11, 12])
    /// read, write, create, delete, alter, describe, describe configs, alter configs
    static let topic: Int32 = bits([3, 4, 5, 6, 7, 8, 10, 11])
    /// read, delete, describe, describe configs, alter configs
    static let group: Int32 = bits([3, 6, 8, 10, 11])
    /// What stands in the field when the client did not ask.
    static let notAsked = Int32.min

    private static func bits(_ operations: [Int32]) -> Int32 {
        operations.reduce(0) { $0 | 1 << $1 }
    }
}
