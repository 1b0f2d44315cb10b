/// What goes wrong with a simulated disk, and when. Nothing, unless said.
package struct DiskFaults: Sendable {
    /// How a change fails. What cannot fail in such a way fails as `io`.
    package enum Failure: Sendable, Equatable {
        /// Nothing happens.
        case io
        /// Of a write the first bytes happen.
        case short(Int)
        /// There is no room for it; of a write the first bytes happen.
        case full(Int)
    }

    /// The power fails before the change with this number: it and all calls behind it fail, and
    /// change nothing.
    package var powerLoss: Int?
    /// By the number of the change.
    package var failures: [Int: Failure] = [:]
    /// Bytes that all files together may have.
    package var capacity: Int?
    /// One read in so many fails.
    package var failingReads: Int?
    /// One write in so many fails, some of it done.
    package var failingWrites: Int?
    /// One sync in so many fails. It is as with Linux: what was to be written counts as written.
    package var failingSyncs: Int?

    package init() {}
}

/// What is wrong with the disk itself: each is a lie that a checker has to find out.
package struct DiskDefects: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// A sync of a file returns and does nothing.
    package static let fileSyncIsIgnored = DiskDefects(rawValue: 1)
    /// A sync of a directory returns and does nothing.
    package static let directorySyncIsIgnored = DiskDefects(rawValue: 2)
    /// A loss of power may take away the file that a rename replaces, and not put the new one there.
    package static let renameIsTwoSteps = DiskDefects(rawValue: 4)
    /// After a loss of power, until `endLies`, reads show what had been written instead of what
    /// arrived: whoever checks then checks nothing.
    package static let readsLieAfterLoss = DiskDefects(rawValue: 8)
    /// A sync of a segment of a topic that is not the brokers' own returns and does nothing.
    package static let segmentSyncIsIgnored = DiskDefects(rawValue: 16)
    /// As `readsLieAfterLoss`, of segments of topics that are not the brokers' own only.
    package static let segmentReadsLieAfterLoss = DiskDefects(rawValue: 32)
}
