internal import Synchronization

/// A fixed number of counters that only go up (and wrap after 2^64), in cache lines of their own.
///
/// Any thread may read. No order is kept between counters: a reader may see the second of two adds
/// without the first.
///
/// `@unchecked Sendable`: the address never changes, and the memory behind it is atomics.
@safe final class CounterBank: @unchecked Sendable {
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>
    let count: Int

    /// All zero.
    init(count: Int) {
        let bytes = max(count, 1) * MemoryLayout<Atomic<UInt64>>.stride
        // Two lines: processors fetch them in pairs.
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 128)
        unsafe cells = unsafe memory.bindMemory(to: Atomic<UInt64>.self, capacity: count)
        for index in 0..<count { unsafe (cells + index).initialize(to: Atomic(0)) }
        self.count = count
    }

    deinit {
        unsafe cells.deinitialize(count: count)
        unsafe UnsafeMutableRawPointer(cells).deallocate()
    }

    subscript(index: Int) -> UInt64 {
        precondition(index >= 0 && index < count, "no such counter")
        return unsafe cells[index].load(ordering: .relaxed)
    }

    /// From any thread.
    func add(_ amount: UInt64, to index: Int) {
        precondition(index >= 0 && index < count, "no such counter")
        unsafe cells[index].wrappingAdd(amount, ordering: .relaxed)
    }

    /// Where one thread alone adds to the counter: no locked instruction.
    func addAlone(_ amount: UInt64, to index: Int) {
        precondition(index >= 0 && index < count, "no such counter")
        let before = unsafe cells[index].load(ordering: .relaxed)
        unsafe cells[index].store(before &+ amount, ordering: .relaxed)
    }
}
