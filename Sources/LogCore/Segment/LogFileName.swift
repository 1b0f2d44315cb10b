internal import Primitives

extension Offset {
    /// Where a segment may begin at most: offsets of a whole segment fit behind it.
    static let largestBase = Offset(.max - Int64(UInt32.max))
}

/// The name of a file in a partition's directory, taken apart.
enum LogFileName: Equatable {
    enum Kind: String, CaseIterable {
        case log, index, timeindex, txnindex, snapshot
    }

    /// A file in use: `<20 digits>.<kind>`.
    case live(Offset, Kind)
    /// Renamed away, to be removed.
    case deleted
    /// An unfinished result of cleaning: the originals are still there.
    case cleaned(Offset?)
    /// A finished result of cleaning that had not yet taken the originals' place.
    case swap(Offset, Kind)
    /// An unfinished replacement of a small file.
    case temporary
    /// `leader-epoch-checkpoint`, `partition.metadata`, and whatever else.
    case other

    init(_ name: String) {
        if name.hasSuffix(".deleted") {
            self = .deleted
        } else if name.hasSuffix(".tmp") {
            self = .temporary
        } else if name.hasSuffix(".cleaned") {
            self = .cleaned(Self.parse(name.dropLast(".cleaned".utf8.count))?.0)
        } else if name.hasSuffix(".swap"), let (base, kind) = Self.parse(name.dropLast(5)) {
            self = .swap(base, kind)
        } else if let (base, kind) = Self.parse(name[...]) {
            self = .live(base, kind)
        } else {
            self = .other
        }
    }

    private static func parse(_ name: Substring) -> (Offset, Kind)? {
        guard let dot = name.firstIndex(of: "."),
            let kind = Kind(rawValue: String(name[name.index(after: dot)...]))
        else { return nil }
        let digits = name[..<dot]
        // Without the check a sign would pass.
        guard digits.utf8.count == 20, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let value = Int64(digits), value <= Offset.largestBase.rawValue
        else { return nil }
        return (Offset(value), kind)
    }

    /// The name of the file of a kind that begins at an offset.
    static func name(_ base: Offset, _ kind: Kind) -> String {
        let digits = String(base.rawValue)
        return String(repeating: "0", count: max(20 - digits.utf8.count, 0)) + digits + "."
            + kind.rawValue
    }
}
