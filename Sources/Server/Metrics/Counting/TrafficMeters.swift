internal import Synchronization

/// Records and bytes that went through.
struct Traffic: Sendable, Equatable {
    var messagesIn: UInt64 = 0
    var bytesIn: UInt64 = 0
    var bytesOut: UInt64 = 0

    static func += (left: inout Traffic, right: Traffic) {
        left.messagesIn &+= right.messagesIn
        left.bytesIn &+= right.bytesIn
        left.bytesOut &+= right.bytesOut
    }
}

/// What went through all partitions since the start, those that are gone included.
///
/// Partitions are spread over a few cache lines, so that loops seldom write to the same one.
final class TrafficTotals: Sendable {
    private static let lines = 16
    /// Counters a line; three are used.
    private static let width = 16
    private let counters = CounterBank(count: lines * width)
    private let meters = Atomic<Int>(0)

    var now: Traffic {
        var sum = Traffic()
        for start in stride(from: 0, to: counters.count, by: Self.width) {
            sum += Traffic(
                messagesIn: counters[start], bytesIn: counters[start + 1],
                bytesOut: counters[start + 2])
        }
        return sum
    }

    /// A meter for one more partition.
    func makeMeter() -> PartitionMeter {
        let number = meters.wrappingAdd(1, ordering: .relaxed).oldValue
        return PartitionMeter(totals: counters, start: number % Self.lines * Self.width)
    }
}

/// What went through one partition since this broker took it up. Callable from any thread.
final class PartitionMeter: Sendable {
    private let totals: CounterBank
    /// Where its line begins in `totals`.
    private let start: Int
    private let messagesIn = Atomic<UInt64>(0)
    private let bytesIn = Atomic<UInt64>(0)
    private let bytesOut = Atomic<UInt64>(0)

    fileprivate init(totals: CounterBank, start: Int) {
        self.totals = totals
        self.start = start
    }

    var now: Traffic {
        Traffic(
            messagesIn: messagesIn.load(ordering: .relaxed),
            bytesIn: bytesIn.load(ordering: .relaxed), bytesOut: bytesOut.load(ordering: .relaxed))
    }

    func appended(messages: Int64, bytes: Int) {
        let (messages, bytes) = (UInt64(max(messages, 0)), UInt64(bytes))
        messagesIn.wrappingAdd(messages, ordering: .relaxed)
        bytesIn.wrappingAdd(bytes, ordering: .relaxed)
        totals.add(messages, to: start)
        totals.add(bytes, to: start + 1)
    }

    func sent(bytes: Int) {
        bytesOut.wrappingAdd(UInt64(bytes), ordering: .relaxed)
        totals.add(UInt64(bytes), to: start + 2)
    }
}
