internal import Primitives

/// The bytes of a file as a value, in pages, so that a copy costs nothing and a change to one of two
/// copies costs a page.
struct FileContent: Sendable, Equatable {
    private static let pageSize = 4096
    private static let zeroPage = [UInt8](repeating: 0, count: pageSize)

    /// All of `pageSize` bytes but the last, which ends with the file.
    private var pages: [[UInt8]] = []
    private(set) var size = 0

    init() {}

    init(_ bytes: [UInt8]) { write(Bytes(bytes), at: 0) }

    var array: [UInt8] { pages.flatMap { $0 } }

    /// Fills `buffer` from `position` on and returns how many bytes there were.
    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) -> Int {
        let count = min(buffer.count, max(size - position, 0))
        var done = 0
        while done < count {
            let (page, start) = (position + done).quotientAndRemainder(dividingBy: Self.pageSize)
            let part = min(Self.pageSize - start, count - done)
            let target = unsafe UnsafeMutableRawBufferPointer(
                rebasing: buffer[done..<done + part])
            unsafe target.copyBytes(from: pages[page][start..<start + part])
            done += part
        }
        return count
    }

    /// Puts `bytes` at `position`; a gap before it is filled with zeros.
    mutating func write(_ bytes: Bytes, at position: Int) {
        if bytes.isEmpty { return }
        if position + bytes.count > size { resize(to: position + bytes.count) }
        var done = 0
        while done < bytes.count {
            let (page, start) = (position + done).quotientAndRemainder(dividingBy: Self.pageSize)
            let part = min(Self.pageSize - start, bytes.count - done)
            unsafe pages[page].withUnsafeMutableBytes { memory in
                unsafe bytes.withUnsafeBytes { source in
                    unsafe UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + part])
                        .copyMemory(
                            from: UnsafeRawBufferPointer(rebasing: source[done..<done + part]))
                }
            }
            done += part
        }
    }

    /// Cuts the file, or makes it longer with zeros.
    mutating func resize(to newSize: Int) {
        let count = (newSize + Self.pageSize - 1) / Self.pageSize
        if pages.count > count { pages.removeLast(pages.count - count) }
        if let last = pages.indices.last {
            let wanted = min(newSize - last * Self.pageSize, Self.pageSize)
            let found = pages[last].count
            if wanted < found {
                pages[last].removeLast(found - wanted)
            } else if wanted > found {
                pages[last].append(contentsOf: Self.zeroPage[0..<wanted - found])
            }
        }
        while pages.count < count {
            let left = newSize - pages.count * Self.pageSize
            pages.append(
                left >= Self.pageSize ? Self.zeroPage : [UInt8](repeating: 0, count: left))
        }
        size = newSize
    }

    /// Turns one bit of the byte at `position`, which is inside the file.
    mutating func flip(bit: Int, at position: Int) {
        pages[position / Self.pageSize][position % Self.pageSize] ^= 1 << UInt8(bit & 7)
    }
}
