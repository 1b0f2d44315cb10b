import Testing

@testable import Server

@Suite("Those who wait for a partition") struct WaitersTests {
    private final class Waiter: HighWatermarkWaiter {
        func wake() {}
    }

    private func places(of waiters: [Waiter], in set: Waiters) -> [Int?] {
        waiters.map { waiter in set.all.firstIndex { $0 === waiter } }
    }

    @Test("wait once, however often they come")
    func once() {
        let (first, second) = (Waiter(), Waiter())
        var waiters = Waiters()
        for waiter in [first, second, first] { waiters.add(waiter) }
        #expect(places(of: [first, second], in: waiters) == [0, 1])
        #expect(waiters.all.count == 2)
        waiters.remove(first)
        waiters.remove(first)
        #expect(places(of: [first, second], in: waiters) == [nil, 0])
        #expect(waiters.all.count == 1)
    }

    @Test("come and go in any order, and those that are left are there once each")
    func anyOrder() {
        let all = (0..<100).map { _ in Waiter() }
        var waiters = Waiters()
        for waiter in all { waiters.add(waiter) }
        for index in stride(from: 0, to: 100, by: 3) { waiters.remove(all[index]) }
        for index in stride(from: 0, to: 100, by: 6) { waiters.add(all[index]) }
        for index in all.indices {
            let isThere = index % 3 != 0 || index % 6 == 0
            #expect(waiters.all.count { $0 === all[index] } == (isThere ? 1 : 0))
        }
    }

    @Test("go as quickly when they are many as when they are few")
    func many() {
        // The work grows with their number: with its square, this would take minutes.
        let all = (0..<100_000).map { _ in Waiter() }
        var waiters = Waiters()
        for waiter in all { waiters.add(waiter) }
        for waiter in all { waiters.remove(waiter) }
        #expect(waiters.all.isEmpty)
    }
}
