internal import Primitives

/// An index file: entries of one size, in order, found by binary search with `pread`.
///
/// New entries wait in memory, at most 256, because they need not survive a crash: recovery makes
/// them again from the log. They are on disk after `writePending`, durable after a sync.
struct IndexFile<Entry: IndexEntry>: Sendable {
    /// Entries that may wait in memory.
    static var pendingLimit: Int { 256 }
    /// Entries that a search reads in one piece.
    private static var block: Int { 512 }

    let path: String
    private var file: (any File)?
    /// Entries in the file; nil while nobody has looked.
    private var stored: Int?
    /// The last of them, where known.
    private var newest: Entry?
    private var pending: [Entry] = []
    /// The file has changed since the last sync.
    private(set) var needsSync = false

    /// An index whose file, if any, is looked at when it is first needed.
    init(path: String) { self.path = path }

    /// An index known to have no file yet.
    init(newAt path: String) {
        self.path = path
        stored = 0
    }

    // MARK: Reading

    /// The number of entries; a broken last one does not count.
    mutating func count(_ files: any FileSystem) throws(FileError) -> Int {
        try storedCount(files) + pending.count
    }

    private mutating func storedCount(_ files: any FileSystem) throws(FileError) -> Int {
        if let stored { return stored }
        let size = try files.attributes(path)?.size ?? 0
        var count = size / Entry.size
        if count > 0 {
            let file = try opened(files)
            count = try Self.countBeforeZeros(in: file, of: count)
            // Entries to come must not be followed by zeros that pass for older ones.
            if count < size / Entry.size {
                needsSync = true
                try file.truncate(to: count * Entry.size)
            }
        }
        stored = count
        return count
    }

    /// How many of the first `count` entries of a file stand before the zeros at its end. Kafka
    /// makes the indexes of its newest segment at full size and cuts them when it leaves the
    /// segment, which a crash prevents. No entry is all zeros: a batch that has an entry does not
    /// begin the segment.
    static func countBeforeZeros(in file: any File, of count: Int) throws(FileError) -> Int {
        func isZero(_ number: Int) throws(FileError) -> Bool {
            let bytes = try file.read(count: Entry.size, at: number * Entry.size)
            return (0..<Entry.size).allSatisfy { bytes[$0] == 0 }
        }
        guard count > 0, try isZero(count - 1) else { return count }
        var low = 0
        var high = count - 1
        while low < high {
            let middle = low + (high - low) / 2
            if try isZero(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    mutating func last(_ files: any FileSystem) throws(FileError) -> Entry? {
        if let last = pending.last { return last }
        return try lastStored(files)
    }

    private mutating func lastStored(_ files: any FileSystem) throws(FileError) -> Entry? {
        if let newest { return newest }
        let count = try storedCount(files)
        if count > 0 { newest = try entry(count - 1, files) }
        return newest
    }

    /// The file, made when missing.
    mutating func opened(_ files: any FileSystem) throws(FileError) -> any File {
        if let file { return file }
        let opened = try files.open(path, .create)
        file = opened
        return opened
    }

    private mutating func entry(_ number: Int, _ files: any FileSystem) throws(FileError) -> Entry {
        let bytes = try opened(files).read(count: Entry.size, at: number * Entry.size)
        return Entry(from: bytes, at: 0)
    }

    /// The two entries between which a condition stops to hold.
    struct Split {
        /// The number of entries for which it holds, all at the front.
        let count: Int
        /// The last for which it holds.
        let below: Entry?
        /// The first for which it does not.
        let above: Entry?
    }

    /// The last entry for which `isAtOrBelow` holds; it holds for a run of entries from the first
    /// on. `share` as for `split`.
    mutating func floor(
        _ files: any FileSystem, share: (Entry) -> Double = { _ in 0.5 },
        where isAtOrBelow: (Entry) -> Bool
    ) throws(FileError) -> Entry? {
        try split(files, share: share, where: isAtOrBelow).below
    }

    /// Where `isBelow` stops to hold; it holds for a run of entries from the first on.
    ///
    /// - Parameter share: told the last entry, says for what part of the entries `isBelow` probably
    ///   holds, 0 to 1. Where that comes close, one read finds the place, however many there are.
    mutating func split(
        _ files: any FileSystem, share: (Entry) -> Double = { _ in 0.5 },
        where isBelow: (Entry) -> Bool
    ) throws(FileError) -> Split {
        let stored = try storedCount(files)
        if let first = pending.first, isBelow(first) {
            let number = pending.firstIndex { !isBelow($0) } ?? pending.count
            return Split(
                count: stored + number, below: pending[number - 1],
                above: number < pending.count ? pending[number] : nil)
        }
        var (low, high) = (0, stored)
        var below: Entry?
        var above = pending.first
        var probe = stored / 2
        var reach = Self.block / 2
        if stored > Self.block, let last = try lastStored(files) {
            probe = Int(Double(stored) * min(max(share(last), 0), 1))
        }
        while low < high {
            // Some hundred entries cost what one does.
            let start = min(max(probe - Self.block / 2, low), max(high - Self.block, low))
            let count = min(Self.block, high - start)
            let entries = try opened(files).read(
                count: count * Entry.size, at: start * Entry.size)
            var (first, end) = (start, start + count)
            while first < end {
                let middle = first + (end - first) / 2
                let entry = Entry(from: entries, at: (middle - start) * Entry.size)
                if isBelow(entry) {
                    below = entry
                    first = middle + 1
                } else {
                    above = entry
                    end = middle
                }
            }
            if first > start { low = first }
            if first < start + count { high = first }
            // Where the guess was not far off the place is near; where it was, halves end the search.
            let middle = low + (high - low) / 2
            probe = first > start ? min(low + reach, middle) : max(high - reach, middle)
            reach *= 8
        }
        return Split(count: low, below: below, above: above)
    }

    /// Goes through the entries from number `first` on until `visit` says false. Reads a bounded
    /// piece at a time, however long the file is.
    mutating func walk(
        _ files: any FileSystem, from first: Int, _ visit: (Entry) -> Bool
    ) throws(FileError) {
        let stored = try storedCount(files)
        var number = first
        while number < stored {
            let count = min(Self.block, stored - number)
            let bytes = try opened(files).read(
                count: count * Entry.size, at: number * Entry.size)
            for place in 0..<count {
                if !visit(Entry(from: bytes, at: place * Entry.size)) { return }
            }
            number += count
        }
        for entry in pending.dropFirst(number - stored) where !visit(entry) { return }
    }

    /// Whether the file holds whole entries only, in order, and all satisfy `isPlausible`.
    mutating func isSound(
        _ files: any FileSystem, where isPlausible: (Entry) -> Bool
    ) throws(FileError) -> Bool {
        guard (try files.attributes(path)?.size ?? 0) % Entry.size == 0 else { return false }
        var last: Entry?
        var isSound = true
        try walk(files, from: 0) { entry in
            isSound = isPlausible(entry) && last.map { entry.mayFollow($0) } ?? true
            last = entry
            return isSound
        }
        return isSound
    }

    /// The entries from the first on that keep the order and satisfy `isTrusted`: what of the file
    /// can be believed after a crash. Files above `limit` bytes are not believed at all.
    mutating func trustedPrefix(
        _ files: any FileSystem, limit: Int, where isTrusted: (Entry) -> Bool
    ) throws(FileError) -> (count: Int, last: Entry?) {
        let count = try storedCount(files)
        guard count > 0, count * Entry.size <= limit else { return (0, nil) }
        let bytes = try opened(files).read(count: count * Entry.size, at: 0)
        var last: Entry?
        for number in 0..<count {
            let entry = Entry(from: bytes, at: number * Entry.size)
            if !isTrusted(entry) { return (number, last) }
            if let last, !entry.mayFollow(last) { return (number, last) }
            last = entry
        }
        return (count, last)
    }

    // MARK: Writing

    mutating func append(_ entry: Entry) { pending.append(entry) }

    var pendingCount: Int { pending.count }
    /// It is time to write what waits.
    var isPendingFull: Bool { pending.count >= Self.pendingLimit }

    /// Writes what waits in memory. The file exists afterwards, also when it is empty.
    mutating func writePending(_ files: any FileSystem) throws(FileError) {
        let count = try storedCount(files)
        let file = try opened(files)
        if pending.isEmpty { return }
        var writer = ByteWriter(capacity: pending.count * Entry.size)
        for entry in pending { entry.write(into: &writer) }
        needsSync = true
        do throws(FileError) {
            try file.write(writer.finish(), at: count * Entry.size)
        } catch {
            // Whole entries of it would be found later, when others have taken their places.
            try file.truncate(to: count * Entry.size)
            throw error
        }
        stored = count + pending.count
        newest = pending.last
        pending.removeAll()
    }

    /// Drops all entries but the first `count`, in memory and in the file, and any bytes that are
    /// no whole entry.
    mutating func truncate(_ files: any FileSystem, keeping count: Int) throws(FileError) {
        let before = try storedCount(files)
        pending.removeLast(max(pending.count - max(count - before, 0), 0))
        stored = min(before, count)
        newest = nil
        let size = min(before, count) * Entry.size
        if try files.attributes(path)?.size == size { return }
        needsSync = true
        try opened(files).truncate(to: size)
    }

    /// Drops the entries from the first on that does not satisfy `isKept`.
    mutating func truncate(
        _ files: any FileSystem, where isKept: (Entry) -> Bool
    ) throws(FileError) {
        while let last = pending.last, !isKept(last) { pending.removeLast() }
        if !pending.isEmpty { return }
        var count = try storedCount(files)
        while count > 0, !isKept(try entry(count - 1, files)) { count -= 1 }
        try truncate(files, keeping: count)
    }

    /// Makes the file when there is none.
    mutating func makeFile(_ files: any FileSystem) throws(FileError) {
        if stored == 0 { _ = try opened(files) }
    }

    /// The file, if it has to be synced.
    mutating func fileToSynchronize(_ files: any FileSystem) throws(FileError) -> (any File)? {
        needsSync ? try opened(files).holding() : nil
    }

    /// The file is about to be synced, if it had to be.
    mutating func noteSync() {
        if needsSync { file?.noteSynchronization() }
        needsSync = false
    }

    var isOpen: Bool { file != nil }

    /// Lets the descriptor go. Entries in memory stay.
    mutating func closeFile() { file = nil }
}
