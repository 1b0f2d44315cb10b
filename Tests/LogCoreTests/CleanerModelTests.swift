import LogCore
import Primitives
import RecordFormat
import Testing

/// Random appends, transactions, rounds with small maps, restarts: the log must hold what the model
/// holds.
@Suite struct CleanerModelTests {
    private final class Run {
        let scene: Scene
        var directory: LogDirectory
        var log: Log
        var model = CleanerModel()
        var rolls: Rolls
        /// Plain, idempotent, and two transactional writers.
        var writers: [Writer?] = [
            nil, Writer(id: 1), Writer(id: 2, isTransactional: true),
            Writer(id: 3, isTransactional: true),
        ]
        /// Where each writer's open transaction began.
        var open: [Int64?] = [nil, nil, nil, nil]
        var rounds = 0
        var fullRounds = 0

        init(seed: UInt64) throws {
            rolls = Rolls(seed: seed)
            let sizes = [400, 700, 1500]
            scene = try Scene.compacted(segmentBytes: sizes[rolls.below(3)])
            (directory, log) = try scene.create()
        }

        func step() throws {
            switch rolls.below(20) {
            case 0..<13: try put()
            case 13, 14: try endTransaction()
            case 15, 16: try clean()
            case 17: scene.clock.advance(by: Int64(rolls.below(6000)))
            case 18 where rolls.oneIn(4): try restart()
            default:
                try log.rollByFilling(at: scene.now)
                try adoptFillers()
            }
        }

        private func put() throws {
            let writer = rolls.below(4)
            let entries: [Entry] = (0..<1 + rolls.below(4)).map { _ in
                let key = rolls.oneIn(40) ? nil : "k\(rolls.below(12))"
                let value = rolls.oneIn(5) ? nil : String(repeating: "v", count: rolls.below(60))
                return (key, value)
            }
            let codecs: [Compression] = [.none, .none, .lz4, .zstd, .gzip, .snappy]
            let base = try log.put(
                entries, at: scene.now, by: &writers[writer], compression: codecs[rolls.below(6)])
            if writer >= 2, open[writer] == nil { open[writer] = base.rawValue }
            model.batches.append(
                CleanerModel.Batch(
                    base: base.rawValue, producer: writers[writer]?.id,
                    items: entries.enumerated().map { number, entry in
                        .init(
                            offset: base.rawValue + Int64(number), key: entry.key,
                            value: entry.value)
                    }))
        }

        private func adoptFillers() throws {
            let known = model.batches.last?.base ?? -1
            for item in try log.items() where item.key == "filler" && item.offset > known {
                model.batches.append(.init(base: item.offset, producer: nil, items: [item]))
            }
        }

        private func endTransaction() throws {
            let writer = 2 + rolls.below(2)
            guard let first = open[writer], let current = writers[writer] else { return }
            let isAbort = rolls.oneIn(2)
            try log.end(isAbort ? .abort : .commit, of: current, at: scene.now)
            if isAbort { model.abort(current.id, from: first) }
            open[writer] = nil
        }

        private func clean() throws {
            let bases = try log.segments.map(\.baseOffset.rawValue)
            let end = try log.logEndOffset
            let states = try log.producerStates.map(\.lastSequence)
            let before = log.cleanedUpTo
            let keys = [2, 5, 1000][rolls.below(3)]
            guard let report = try log.clean(keys: keys, at: scene.now) else { return }
            rounds += 1
            if report.isMapFull { fullRounds += 1 }
            #expect(report.firstDirty == before ?? .zero)
            #expect(report.end > report.firstDirty)
            for first in open { #expect(report.end.rawValue <= first ?? .max) }
            model.clean(
                firstDirty: report.firstDirty.rawValue, end: report.end.rawValue,
                covered: bases.first { $0 >= report.end.rawValue } ?? .max, now: scene.now.rawValue,
                retention: 10_000)
            #expect(try log.logEndOffset == end)
            #expect(try log.producerStates.map(\.lastSequence) == states)
            try check()
        }

        private func restart() throws {
            let states = try log.producerStates
            try directory.close()
            if rolls.oneIn(2) { try PosixFileSystem().remove(scene.path + "/.kafka_cleanshutdown") }
            (directory, log) = try scene.reopen()
            #expect(directory.report.findings.isEmpty)
            #expect(try log.producerStates.map(\.lastSequence) == states.map(\.lastSequence))
            try check()
        }

        func check() throws {
            let (items, expected) = (try log.items(), model.items)
            let place = zip(items, expected).enumerated().first { $1.0 != $1.1 }?.offset
            let number = place ?? min(items.count, expected.count)
            try #require(
                items.count == expected.count && place == nil,
                """
                round \(rounds): \(items.dropFirst(number).first as Any), the model has \
                \(expected.dropFirst(number).first as Any)
                """)
            // A reader may begin anywhere; one of committed data sees nothing that was aborted.
            let stable = try log.lastStableOffset.rawValue
            let committed = model.batches.filter { !$0.isAborted }.flatMap(\.items)
                .map(\.offset).filter { $0 < stable }
            for _ in 0..<3 {
                let start = Int64(rolls.below(Int(try log.logEndOffset.rawValue) + 1))
                let seen = try log.committedRecords(from: Offset(start), maxBytes: 300)
                #expect(seen.map(\.offset.rawValue) == committed.filter { $0 >= start })
            }
        }
    }

    @Test("the cleaned log is what the model says, round after round", arguments: 1...4)
    func model(seed: UInt64) throws {
        let run = try Run(seed: seed)
        for _ in 0..<250 { try run.step() }
        try run.check()
        #expect(run.rounds > 3)
    }
}
