/// Elements in the order in which they came. Putting one on at the end and taking one off the front
/// cost the same on average, however long the queue is.
///
/// An element that is taken off is let go of at once. Its place is given back when the free places
/// are more than half, so a queue that is never quite empty grows with what it holds and no further;
/// one that becomes empty keeps a few places and gives back more.
public struct Queue<Element> {
    /// So many places are kept, and moving elements for less of them is not worth it.
    @usableFromInline static var smallCount: Int { 64 }

    /// Places before `head` are free and nil; the others are not.
    @usableFromInline var places: [Element?] = []
    @usableFromInline var head = 0

    @inlinable public init() {}

    @inlinable public var count: Int { places.count - head }
    @inlinable public var isEmpty: Bool { head == places.count }
    @inlinable public var first: Element? { isEmpty ? nil : places[head] }

    /// The element that has `position` others before it.
    @inlinable public subscript(position: Int) -> Element {
        get {
            guard position >= 0, let element = places[head + position] else {
                preconditionFailure("a queue of \(count) has no element \(position)")
            }
            return element
        }
        set {
            precondition(
                position >= 0 && position < count,
                "a queue of \(count) has no element \(position)")
            places[head + position] = newValue
        }
    }

    @inlinable public mutating func append(_ element: Element) { places.append(element) }

    /// Puts an element before all others. Costs no more than a step after one was taken off, else
    /// as much as the queue is long.
    @inlinable public mutating func prepend(_ element: Element) {
        if head == 0 { return places.insert(element, at: 0) }
        head -= 1
        places[head] = element
    }

    /// Takes the first element off; nil when there is none.
    @discardableResult @inlinable public mutating func popFirst() -> Element? {
        if isEmpty { return nil }
        let element = places[head]
        places[head] = nil
        head += 1
        trim()
        return element
    }

    @inlinable public mutating func removeAll() {
        places = []
        head = 0
    }

    @inlinable mutating func trim() {
        if head == places.count {
            places.removeAll(keepingCapacity: places.capacity <= Self.smallCount)
            head = 0
        } else if head > Self.smallCount, head > places.count / 2 {
            places.removeFirst(head)
            head = 0
        }
    }
}

extension Queue: Sendable where Element: Sendable {}
