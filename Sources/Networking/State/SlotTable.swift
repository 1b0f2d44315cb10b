/// A table whose keys are never used for a second element: a key kept too long finds nothing.
///
/// The key is the slot's index in the low half and, above it, how often the slot was emptied; after
/// 2^32 uses of one slot it would repeat, which no key is kept for.
package struct SlotTable<Element> {
    private var slots: [(generation: UInt32, element: Element?)] = []
    private var free: [Int] = []
    package private(set) var count = 0

    package init() {}

    package mutating func insert(_ element: Element) -> UInt64 {
        count += 1
        guard let index = free.popLast() else {
            slots.append((0, element))
            return UInt64(slots.count - 1)
        }
        slots[index].element = element
        return UInt64(slots[index].generation) << 32 | UInt64(index)
    }

    package subscript(key: UInt64) -> Element? {
        let index = Int(truncatingIfNeeded: key & 0xffff_ffff)
        guard index < slots.count, slots[index].generation == UInt32(key >> 32) else { return nil }
        return slots[index].element
    }

    @discardableResult
    package mutating func remove(_ key: UInt64) -> Element? {
        guard let element = self[key] else { return nil }
        let index = Int(truncatingIfNeeded: key & 0xffff_ffff)
        slots[index] = (slots[index].generation &+ 1, nil)
        free.append(index)
        count -= 1
        return element
    }

    /// The elements in slot order.
    package var elements: [Element] { slots.compactMap(\.element) }
}
