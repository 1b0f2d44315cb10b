import Primitives
import RecordFormat
import Testing

@testable import LogCore

/// Files on disk are bytes from outside: whatever is in them, opening and reading answers or
/// throws.
@Suite struct DamageTests {
    private struct Mutator {
        var state: UInt64

        mutating func next(below bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(max(bound, 1)))
        }

        mutating func damage(_ bytes: [UInt8]) -> [UInt8] {
            var bytes = bytes
            switch next(below: 4) {
            case 0: bytes.removeLast(next(below: bytes.count + 1))
            case 1: bytes += (0..<next(below: 80)).map { _ in UInt8(next(below: 256)) }
            case 2:
                let start = next(below: bytes.count)
                let end = min(bytes.count, start + next(below: 40))
                for place in start..<end { bytes[place] = next(below: 2) == 0 ? 0 : 0xff }
            default:
                for _ in 0..<1 + next(below: 4) where !bytes.isEmpty {
                    bytes[next(below: bytes.count)] ^= UInt8(1 << next(below: 8))
                }
            }
            return bytes
        }
    }

    @Test("among more findings than are kept, the first that is damage is kept")
    func findings() {
        let list = FindingList(.cleanlyStopped)
        for number in 0..<1500 { list.add(Finding(.unclean, "\(number)", "missing")) }
        list.add(Finding(.damaged, "file", "checksum"))
        list.add(Finding(.damaged, "another", "checksum"))
        #expect(list.findings.count == 1000 && list.omitted == 502)
        #expect(list.findings.last?.file == "file")
    }

    @Test("damaged files of every kind end in an answer or an error", arguments: [true, false])
    func anything(cleanly: Bool) throws {
        let scene = try Scene {
            $0.segmentBytes = 500
            $0.indexIntervalBytes = 100
        }
        do {
            let (directory, log) = try scene.create()
            for number in 0..<4 {
                try log.append("plain \(number)", timestamp: 1000 + Int64(number))
                try log.append(2, from: Int32(number * 2))
                try log.append(["void"], inTransactionOf: 9, sequence: Int32(number))
                try log.end(.abort, transactionOf: 9)
            }
            try log.advanceLogStart(to: Offset(1))
            try directory.close()
        }
        if !cleanly { try PosixFileSystem().remove(scene.path + "/.kafka_cleanshutdown") }
        let pristine = try TemporaryDirectory()
        try TemporaryDirectory.copy(scene.path, to: pristine.path + "/copy")
        var files = try scene.names().map { "t-0/" + $0 }
        files += ["recovery-point-offset-checkpoint", "log-start-offset-checkpoint"]
        var mutator = Mutator(state: cleanly ? 1 : 2)
        var opened = 0
        for _ in 0..<200 {
            try TemporaryDirectory.remove(scene.path)
            try TemporaryDirectory.copy(pristine.path + "/copy", to: scene.path)
            for _ in 0..<1 + mutator.next(below: 2) {
                let name = scene.path + "/" + files[mutator.next(below: files.count)]
                let bytes = try PosixFileSystem().readAll(name, limit: 1 << 20).array
                let file = try PosixFileSystem().open(name, .replace)
                try file.write(Bytes(mutator.damage(bytes)), at: 0)
            }
            guard let (_, log) = try? scene.reopen() else { continue }
            do {
                let end = try log.logEndOffset
                opened += 1
                for time in stride(from: Int64(990), to: 1010, by: 3) {
                    _ = try? log.offset(forTimestamp: Timestamp(time))
                }
                _ = try? log.maxTimestamp()
                _ = try? log.abortedTransactions(from: .zero, upTo: end)
                var next = try log.logStartOffset
                while next < end {
                    _ = try? log.read(from: next, maxBytes: 100)
                    _ = try? log.readCommitted(from: next, maxBytes: 100)
                    next = next.advanced(by: max(1, next.distance(from: .zero) / 4))
                    if next.rawValue > 1 << 40 { break }
                }
                try log.append("more")
                try log.truncate(to: Offset(3))
                try log.append("again")
            } catch is LogError {
                continue
            }
        }
        #expect(opened > 50)
        withExtendedLifetime((scene, pristine)) {}
    }
}
