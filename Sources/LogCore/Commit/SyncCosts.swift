/// Chooses between a sync of each file and one of the whole file system, by what each has cost.
///
/// Starts from what was measured (docs/durability.md): one `syncfs` is the cheaper from four files
/// on. Then it learns, because a whole file system's sync waits for other processes' data too: a
/// costly one is not tried again until its memory has faded.
struct SyncCosts: Sendable {
    /// Nanoseconds, as sliding averages.
    private var eachFile: Int64 = 2_000_000
    private var fileSystem: Int64 = 7_000_000

    func prefersFileSystem(toFiles count: Int) -> Bool {
        let (files, overflow) = eachFile.multipliedReportingOverflow(by: Int64(count))
        return count > 1 && (overflow || files > fileSystem)
    }

    /// Learns from a sync of `count` files. A clock that stood still teaches nothing.
    mutating func note(files count: Int, nanoseconds: Int64) {
        guard count > 0, nanoseconds > 0 else { return }
        eachFile += (nanoseconds / Int64(count) - eachFile) / 8
        if count > 1 { fileSystem -= fileSystem / 16 }
    }

    mutating func note(fileSystem nanoseconds: Int64) {
        guard nanoseconds > 0 else { return }
        fileSystem += (nanoseconds - fileSystem) / 4
    }
}
