internal import Glibc
internal import Primitives

/// An open file of a simulated disk, whatever its name is by now.
final class SimulatedFile: File {
    private typealias Core = SimulatedDisk.Core
    private typealias Refusal = SimulatedDisk.Refusal

    let path: String
    private let id: Int
    private let disk: SimulatedDisk

    init(path: String, id: Int, disk: SimulatedDisk) {
        self.path = path
        self.id = id
        self.disk = disk
    }

    deinit { disk.close(file: id) }

    var descriptor: CInt? { nil }

    private var isSegment: Bool { path.hasSuffix(".log") && !path.contains("/__") }

    private static func check(_ position: Int, _ count: Int) throws(SimulatedDisk.Refusal) {
        guard position >= 0 else { throw Refusal(code: EINVAL) }
        let limit = SimulatedDisk.fileSizeLimit
        guard position <= limit, count <= limit - position else { throw Refusal(code: ENOSPC) }
    }

    func size() throws(FileError) -> Int {
        try disk.look("stat", path) { (core) throws(Refusal) in
            core.state.files[id]?.current.size ?? 0
        }
    }

    func read(
        into buffer: UnsafeMutableRawBufferPointer, at position: Int
    ) throws(FileError) -> Int {
        let content = try disk.look("read \(buffer.count) bytes at \(position)", path) {
            (core) throws(Refusal) in
            guard position >= 0 else { throw Refusal(code: EINVAL) }
            if core.failsBySeed(core.faults.failingReads) { throw Refusal(code: EIO) }
            return core.state.visibleContent(ofFile: id)
        }
        return unsafe content.read(into: buffer, at: position)
    }

    func write(_ chunks: [Bytes], at position: Int) throws(FileError) {
        // A copy: who wrote may use the memory again.
        let bytes = Bytes(chunks.flatMap(\.array))
        if bytes.isEmpty { return }
        try disk.change("write \(bytes.count) bytes at \(position)", path) {
            (core) throws(Refusal) in
            try Self.check(position, bytes.count)
            try core.begin("write \(bytes.count) bytes at \(position)", path)
            let (count, code) = core.fate(ofWrite: bytes.count, at: position, file: id)
            if count > 0 {
                core.state.touch(file: id, core.now)
                core.state.change(file: id, .write(bytes.slice(0..<count), at: position))
            } else {
                core.state.skipChange()
            }
            if let code { throw Refusal(code: code) }
        }
    }

    func truncate(to size: Int) throws(FileError) {
        try disk.change("truncate to \(size)", path) { (core) throws(Refusal) in
            try Self.check(size, 0)
            try core.begin("truncate to \(size)", path)
            core.state.touch(file: id, core.now)
            core.state.change(file: id, .resize(size))
        }
    }

    func synchronize() throws(FileError) {
        try disk.change("sync", path) { (core) throws(Refusal) in
            try core.begin("sync", path)
            if core.failsBySeed(core.faults.failingSyncs) {
                var random = SeededRandom(seed: core.random.next())
                core.state.failSynchronizing(file: id) { _ in random.chance(2) }
                throw Refusal(code: EIO)
            }
            if core.defects.contains(.fileSyncIsIgnored) { return }
            if core.defects.contains(.segmentSyncIsIgnored), isSegment { return }
            core.state.synchronize(file: id)
        }
    }
}

extension SimulatedDisk.Core {
    /// How many bytes of a write happen, and the error it ends with.
    fileprivate mutating func fate(
        ofWrite count: Int, at position: Int, file: Int
    ) -> (count: Int, code: CInt?) {
        switch faults.failures[state.changeCount + 1] {
        case .short(let bytes): return (min(bytes, count), EIO)
        case .full(let bytes): return (min(bytes, count), ENOSPC)
        case .io, nil: break
        }
        if failsBySeed(faults.failingWrites) { return (random.below(count + 1), EIO) }
        guard let capacity = faults.capacity else { return (count, nil) }
        let growth = position + count - (state.files[file]?.current.size ?? 0)
        let missing = growth - max(capacity - state.usedBytes, 0)
        return missing > 0 ? (max(count - missing, 0), ENOSPC) : (count, nil)
    }
}
