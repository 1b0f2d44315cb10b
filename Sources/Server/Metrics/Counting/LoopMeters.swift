internal import Networking
internal import Primitives
internal import Synchronization
internal import WireProtocol

/// What one event loop counts: requests by API and version, how long they took, what errors their
/// answers had, connections by listener.
///
/// Only the loop adds, so an add is a load and a store; anyone may read. The table is laid out once,
/// with a place for every version of every API, so nothing is looked up or allocated a request.
/// Errors are too many to have a place each and come seldom: they are behind a lock.
final class LoopMeters: Sendable {
    /// Where one API's counters lie: first one for each version, then one for each bucket of time,
    /// then the sum of times, then how many error codes said that there was none. Stored, because they are needed a request.
    private struct Place {
        let firstVersion: Int
        let requests: Range<Int>
        let buckets: Range<Int>
        var sum: Int { buckets.upperBound }
        var noError: Int { sum + 1 }
    }

    private struct Failure: Hashable {
        let key: APIKey
        let code: Int16
    }

    private let clock: any Clock
    private let listeners: [String]
    /// By API key; empty where there is none.
    private let places: [Place]
    /// Nanoseconds; see `TimeBuckets`.
    private let bounds = TimeBuckets.bounds.map { $0 * 1000 }
    private let counters: CounterBank
    /// How often each was answered, if it was. As many as there are APIs and codes, at most.
    private let failures = Mutex<[Failure: UInt64]>([:])

    /// - Parameter listeners: names, no two alike.
    init(listeners: [String], clock: any Clock) {
        self.clock = clock
        self.listeners = listeners
        let last = APIDescription.all.map { Int($0.key.rawValue) }.max() ?? -1
        let none = Place(firstVersion: 0, requests: 0..<0, buckets: 0..<0)
        var places = [Place](repeating: none, count: last + 1)
        // Opened and closed connections of each listener come first.
        var end = 2 * listeners.count
        for api in APIDescription.all {
            let requests = end..<end + api.versions.count
            let buckets = requests.upperBound..<requests.upperBound + TimeBuckets.count
            places[Int(api.key.rawValue)] = Place(
                firstVersion: Int(api.versions.lowerBound), requests: requests, buckets: buckets)
            end = buckets.upperBound + 2
        }
        self.places = places
        counters = CounterBank(count: end)
    }

    // MARK: On the loop

    /// - Precondition: the API is known and has the version.
    func received(_ key: APIKey, version: Int16) {
        let place = places[Int(key.rawValue)]
        counters.addAlone(1, to: place.requests.lowerBound + Int(version) - place.firstVersion)
    }

    /// The request that was received at `began` has its answer, or is known to need none.
    func answered(_ key: APIKey, receivedAt began: MonotonicTime) {
        let nanoseconds = max(clock.monotonic().nanoseconds &- began.nanoseconds, 0)
        // The first bucket whose bound is not below the time: most requests are in the first few.
        var bucket = 0
        while bucket < bounds.count, nanoseconds > bounds[bucket] { bucket += 1 }
        let place = places[Int(key.rawValue)]
        counters.addAlone(1, to: place.buckets.lowerBound + bucket)
        counters.addAlone(UInt64(nanoseconds), to: place.sum)
    }

    func add(_ errors: AnswerErrors, of key: APIKey) {
        if errors.none > 0 {
            counters.addAlone(errors.none, to: places[Int(key.rawValue)].noError)
        }
        if errors.codes.isEmpty { return }
        failures.withLock { failures in
            for code in errors.codes { failures[Failure(key: key, code: code), default: 0] &+= 1 }
        }
    }

    func opened(_ connection: any Connection) {
        if let index = listeners.firstIndex(of: connection.listenerName) {
            counters.addAlone(1, to: 2 * index)
        }
    }

    func closed(_ connection: any Connection) {
        if let index = listeners.firstIndex(of: connection.listenerName) {
            counters.addAlone(1, to: 2 * index + 1)
        }
    }

    // MARK: From any thread

    /// How often each version was asked for.
    func requests(_ api: APIDescription) -> [UInt64] {
        places[Int(api.key.rawValue)].requests.map { counters[$0] }
    }

    func times(_ api: APIDescription) -> RequestTimes {
        let place = places[Int(api.key.rawValue)]
        return RequestTimes(
            buckets: place.buckets.map { counters[$0] }, nanoseconds: counters[place.sum])
    }

    /// How often each error code was answered.
    func errors(_ api: APIDescription) -> [Int16: UInt64] {
        var counts = failures.withLock { failures in
            var own: [Int16: UInt64] = [:]
            for (failure, count) in failures where failure.key == api.key {
                own[failure.code] = count
            }
            return own
        }
        let none = counters[places[Int(api.key.rawValue)].noError]
        if none > 0 { counts[ErrorCode.noError.rawValue] = none }
        return counts
    }

    /// In the order of the listeners given to `init`.
    var connections: [(opened: UInt64, open: UInt64)] {
        listeners.indices.map { index in
            // The closed ones first, lest more are closed than were opened.
            let closed = counters[2 * index + 1]
            let opened = counters[2 * index]
            return (opened, opened &- min(closed, opened))
        }
    }
}

/// The bounds between which times of requests are counted.
enum TimeBuckets {
    /// In microseconds; what is above the last one is counted, too.
    static let bounds: [Int64] = [
        50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
        1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000,
    ]
    static let count = bounds.count + 1
}

/// How long the requests of one API took.
struct RequestTimes: Sendable, Equatable {
    /// How many there are in each bucket, not in those below.
    var buckets = [UInt64](repeating: 0, count: TimeBuckets.count)
    var nanoseconds: UInt64 = 0

    var count: UInt64 { buckets.reduce(0, &+) }

    mutating func add(_ other: RequestTimes) {
        for index in buckets.indices { buckets[index] &+= other.buckets[index] }
        nanoseconds &+= other.nanoseconds
    }
}

/// One request on its way through the broker, where requests are counted.
struct RequestMeter: Sendable {
    let meters: LoopMeters
    /// When the loop turned to what had come: waiting for requests before it counts.
    let received: MonotonicTime

    /// On the loop, once.
    ///
    /// - Parameter errors: nil for a request that has no answer.
    func answered(_ key: APIKey, _ errors: AnswerErrors?) {
        meters.answered(key, receivedAt: received)
        if let errors { meters.add(errors, of: key) }
    }
}
