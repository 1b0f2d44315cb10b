internal import Networking
internal import Primitives
internal import Synchronization
internal import Testing

@Suite("The parts that make no system call")
struct StateTests {
    private static let contents = [[], [7], pattern(5), pattern(300)]
    private static let stream = contents.flatMap { framed($0) }

    /// Feeds the stream in the given pieces and returns the frames that come out.
    private func assemble(_ pieces: [[UInt8]], limit: Int = 1000) -> [[UInt8]] {
        var assembler = FrameAssembler()
        var frames: [[UInt8]] = []
        for piece in pieces {
            let chunk = Bytes(piece)
            var cursor = 0
            reading: while true {
                switch assembler.next(from: chunk, at: &cursor, limit: limit) {
                case .frame(let frame): frames.append(frame.array)
                case .needsMemory: assembler.reserve()
                case .needsMore: break reading
                case .violation(let what):
                    Issue.record("\(what)")
                    return frames
                }
            }
        }
        #expect(assembler.isBetweenFrames)
        return frames
    }

    @Test("frames come out whole wherever the stream is cut in two")
    func everyCut() {
        for cut in 0...Self.stream.count {
            let pieces = [Array(Self.stream[..<cut]), Array(Self.stream[cut...])]
            #expect(assemble(pieces) == Self.contents, "cut at \(cut)")
        }
    }

    @Test("frames come out whole from pieces of every size", arguments: 1...40)
    func everyPieceSize(size: Int) {
        let starts = stride(from: 0, to: Self.stream.count, by: size)
        let pieces = starts.map { Array(Self.stream[$0..<min($0 + size, Self.stream.count)]) }
        #expect(assemble(pieces) == Self.contents)
    }

    @Test("a frame that is cut off is received into memory of exactly its size")
    func ownMemory() throws {
        var assembler = FrameAssembler()
        var cursor = 0
        let head = Bytes(Array(framed(pattern(300))[..<10]))
        guard case .needsMemory(300) = assembler.next(from: head, at: &cursor, limit: 1000) else {
            Issue.record("no memory was asked for")
            return
        }
        unsafe #expect(assembler.freeMemory == nil)
        assembler.reserve()
        _ = assembler.next(from: head, at: &cursor, limit: 1000)
        let room = unsafe try #require(assembler.freeMemory)
        #expect(room.count == 294)
        unsafe room.copyBytes(from: pattern(300)[6...])
        #expect(assembler.received(294)?.array == pattern(300))
    }

    @Test("without framing each chunk is handed on as it is, and an end is right anywhere")
    func unframed() {
        var assembler = FrameAssembler(.none)
        for chunk in [pattern(1), pattern(300), bigEndian(-1)] {
            var cursor = 0
            guard case .frame(let frame) = assembler.next(from: Bytes(chunk), at: &cursor, limit: 2)
            else {
                Issue.record("a chunk was held back")
                return
            }
            #expect(frame.array == chunk && cursor == chunk.count && assembler.isBetweenFrames)
            guard case .needsMore = assembler.next(from: Bytes(chunk), at: &cursor, limit: 2) else {
                Issue.record("more came than was put in")
                return
            }
        }
    }

    @Test("a length is checked before memory is asked for", arguments: [-1, -5, 1001, Int32.max])
    func badLength(length: Int32) {
        var assembler = FrameAssembler()
        var cursor = 0
        let step = assembler.next(from: Bytes(bigEndian(length)), at: &cursor, limit: 1000)
        guard case .violation(let what) = step else {
            Issue.record("accepted")
            return
        }
        #expect(what.contains("\(length)"))
        #expect(assembler.reservedBytes == 0)
    }

    @Test(
        "timers come by deadline, those of one deadline in the order of scheduling, cancelled ones not"
    )
    func timers() {
        var heap = TimerHeap()
        let ran = Mutex<[Int]>([])
        var tokens: [TimerToken] = []
        for number in 0..<1000 {
            let deadline = MonotonicTime(nanoseconds: Int64(number * 7919 % 100))
            tokens.append(heap.schedule(at: deadline) { ran.withLock { $0.append(number) } })
        }
        for number in stride(from: 0, to: 1000, by: 3) { heap.cancel(tokens[number]) }
        while let job = heap.popDue(at: MonotonicTime(nanoseconds: 49)) { job() }
        let expected = (0..<1000).filter { $0 % 3 != 0 && $0 * 7919 % 100 <= 49 }
            .sorted { ($0 * 7919 % 100, $0) < ($1 * 7919 % 100, $1) }
        #expect(ran.withLock { $0 } == expected)
        for token in tokens { heap.cancel(token) }
        #expect(heap.nextDeadline() == nil)
        #expect(heap.count == 0)
    }

    @Test("replies leave in the order of their requests, whatever the order of their completion")
    func replyOrder() {
        var generator = SplitMix(state: 42)
        for _ in 0..<200 {
            var queue = ReplyQueue()
            var output = WriteQueue()
            let slots = (0..<20).map { _ in queue.reserve() }
            var done = Set<Int>()
            for number in (0..<20).shuffled(using: &generator) {
                queue.complete(slots[number], with: [.bytes(Bytes([UInt8(number)]))], into: &output)
                done.insert(number)
                let inTurn = (0..<20).prefix { done.contains($0) }.count
                #expect(output.count == inTurn)
                #expect(queue.heldBytes == done.count - inTurn)
                #expect(queue.outstanding == 20 - inTurn)
            }
        }
    }

    @Test("a key of an emptied slot finds nothing, also when the slot is used again")
    func staleKeys() {
        var table = SlotTable<String>()
        let first = table.insert("first")
        table.remove(first)
        let second = table.insert("second")
        #expect(table[first] == nil)
        #expect(table.remove(first) == nil)
        #expect(table[second] == "second")
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
