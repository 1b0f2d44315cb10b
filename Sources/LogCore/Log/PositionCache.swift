internal import Primitives

/// Where batches lie that somebody will probably ask for next: those appended last, and the ends of
/// the last reads. Readers at the tail find their place here without touching an index.
///
/// Entries stay right until a log is truncated or cleaned; then everything is forgotten. Bound: 16.
struct PositionCache: Sendable {
    struct Place: Sendable, Equatable {
        /// A batch (or the log's end) begins at `position` of the segment, and no offset at or
        /// above `offset` lies before it.
        let offset: Offset
        let segment: Offset
        let position: Int
    }

    /// Few enough to be compared one after another.
    private struct Ring: Sendable {
        var places: [Place] = []
        var next = 0

        mutating func add(_ place: Place) {
            if places.count < 8 { return places.append(place) }
            places[next] = place
            next = (next + 1) & 7
        }
    }

    private var appended = Ring()
    private var ends = Ring()

    mutating func noteAppend(_ place: Place) { appended.add(place) }

    mutating func noteReadEnd(_ place: Place) {
        if place != ends.places.last, find(place.offset) == nil { ends.add(place) }
    }

    func find(_ offset: Offset) -> Place? {
        for place in appended.places where place.offset == offset { return place }
        for place in ends.places where place.offset == offset { return place }
        return nil
    }

    mutating func clear() {
        appended = Ring()
        ends = Ring()
    }
}
