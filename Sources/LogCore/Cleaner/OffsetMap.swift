internal import Primitives

/// The newest offset of each key in the dirty part of a log, in memory of a fixed size.
///
/// A slot has 24 bytes: the key's hash, and the offset plus one (0: free). Collisions go to the
/// next slot. All slots are one allocation, made once and never grown: at `capacity` keys a new key
/// is refused, while known keys still move up.
///
/// Invariants: `count <= capacity < slots`, so that every search ends at a free slot; offsets of a
/// key never go down.
struct OffsetMap: Sendable {
    static let slotSize = 24

    /// Keys it takes.
    let capacity: Int
    private(set) var count = 0
    /// Every record below whose key counts is in the map: what lies at or behind is not judged.
    var end: Offset = .zero
    private let slots: Int
    private let secret: KeyHash.Secret
    private var words: [UInt64]

    /// - Parameters:
    ///   - bytes: the memory it may take.
    ///   - keys: no more than so many keys will come: memory for more is not taken.
    ///   - loadFactor: the share of slots that may be in use, above 0 and below 1.
    init(bytes: Int, expecting keys: Int, loadFactor: Double, secret: KeyHash.Secret) {
        let load = min(max(loadFactor, 0.01), 0.99)
        let affordable = max(bytes / Self.slotSize, 2)
        // Two more than needed: one stays free, one for the rounding.
        let needed = Double(max(keys, 0)) / load + 2
        slots = needed < Double(affordable) ? max(Int(needed), 2) : affordable
        capacity = min(max(Int(Double(slots) * load), 1), slots - 1)
        self.secret = secret
        words = [UInt64](repeating: 0, count: slots * 3)
    }

    /// The share of what it takes that is taken.
    var usage: Double { Double(count) / Double(capacity) }

    /// Takes note of a record. Returns false, and changes nothing, for a new key when it is full.
    mutating func put(_ key: Bytes, _ offset: Offset) -> Bool {
        let hash = KeyHash(key, secret)
        let slot = place(of: hash)
        let stored = UInt64(bitPattern: offset.rawValue) + 1
        if words[slot + 2] == 0 {
            if count == capacity { return false }
            words[slot] = hash.first
            words[slot + 1] = hash.second
            count += 1
        }
        words[slot + 2] = max(words[slot + 2], stored)
        return true
    }

    /// The newest offset of the key; nil where the dirty part does not have it.
    func newest(_ key: Bytes) -> Offset? {
        let stored = words[place(of: KeyHash(key, secret)) + 2]
        return stored == 0 ? nil : Offset(Int64(bitPattern: stored - 1))
    }

    /// Where the key's slot begins in `words`, or the free one that it would take.
    private func place(of hash: KeyHash) -> Int {
        // The upper half of the product: as even as a remainder, without a division.
        var slot = Int(hash.first.multipliedFullWidth(by: UInt64(slots)).high)
        while true {
            let place = slot * 3
            if words[place + 2] == 0 { return place }
            if words[place] == hash.first, words[place + 1] == hash.second { return place }
            slot = slot + 1 == slots ? 0 : slot + 1
        }
    }
}
