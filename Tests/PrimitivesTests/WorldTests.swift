import Dispatch
import Primitives
import Testing

@Suite("The world's small parts")
struct WorldTests {
    @Test("the monotonic clock does not go back")
    func monotonic() {
        let clock = PosixClock()
        var last = clock.monotonic()
        for _ in 0..<1000 {
            let now = clock.monotonic()
            #expect(now >= last)
            last = now
        }
    }

    @Test("a time far ahead is the last one there is, not one in the past")
    func saturation() {
        let now = MonotonicTime(nanoseconds: 1_000)
        #expect(now.adding(milliseconds: 2).nanoseconds == 2_001_000)
        #expect(now.adding(milliseconds: .max).nanoseconds == .max)
        #expect(now.adding(milliseconds: 2).milliseconds(since: now) == 2)
    }

    @Test("background work refuses a job beyond its bound, and takes one again later")
    func backgroundBound() {
        let work = DispatchBackgroundWork(label: "test", limit: 2)
        let release = DispatchSemaphore(value: 0)
        let done = DispatchSemaphore(value: 0)
        for _ in 0..<2 {
            #expect(
                work.submit {
                    release.wait()
                    done.signal()
                })
        }
        #expect(!work.submit {})
        release.signal()
        release.signal()
        done.wait()
        done.wait()
        // A place is given back just behind the job's last statement.
        while !work.submit({ done.signal() }) {}
        done.wait()
    }

    @Test("offsets and epochs compare by number")
    func identifiers() {
        #expect(Offset(5).advanced(by: 3) == Offset(8))
        #expect(Offset(8).distance(from: Offset(5)) == 3)
        #expect(LeaderEpoch.none < .zero)
        #expect("\(TopicPartition(topic: "t", partition: PartitionIndex(3)))" == "t-3")
    }
}
