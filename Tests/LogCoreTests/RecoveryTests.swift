import LogCore
import Primitives
import RecordFormat
import Synchronization
import Testing

@Suite struct RecoveryTests {
    /// A log of twenty records in segments, flushed up to offset 12, abandoned without a close.
    private func crashed(
        _ change: (inout LogConfiguration) -> Void = { _ in }
    ) throws -> (Scene, values: [String]) {
        let scene = try Scene {
            $0.segmentBytes = 600
            $0.indexIntervalBytes = 150
            change(&$0)
        }
        let (directory, log) = try scene.create()
        var values: [String] = []
        for number in 0..<20 {
            values.append("value \(number)")
            try log.append("value \(number)", timestamp: 1000 + Int64(number))
            if number == 11 {
                try log.flush()
                try directory.writeCheckpoints()
            }
        }
        _ = directory
        return (scene, values)
    }

    @Test("a clean stop leaves Kafka's marker, and the next start trusts the files")
    func cleanStop() throws {
        let (scene, _) = try crashed()
        do {
            let (directory, log) = try scene.reopen()
            try log.append("last")
            try directory.close()
        }
        let marker = try PosixFileSystem().readAll(
            scene.path + "/.kafka_cleanshutdown", limit: 100)
        #expect(marker.text == "{\"version\":0,\"brokerEpoch\":-1}")
        let before = scene.faults.opens.load(ordering: .relaxed)
        let (directory, log) = try scene.reopen()
        #expect(directory.report.wasCleanStop && directory.report.findings.isEmpty)
        // Three checkpoints and partition.metadata.
        #expect(scene.faults.opens.load(ordering: .relaxed) - before <= 4)
        #expect(try log.logEndOffset == Offset(21) && log.recoveryPoint == Offset(21))
        #expect(try log.values().last == "last")
        #expect(try PosixFileSystem().attributes(scene.path + "/.kafka_cleanshutdown") == nil)
        #expect(try log.append("more").firstOffset == Offset(21))
    }

    @Test("after a crash with whole files nothing is lost")
    func wholeFiles() throws {
        let (scene, values) = try crashed()
        let (directory, log) = try scene.reopen()
        #expect(!directory.report.wasCleanStop && directory.report.findings.isEmpty)
        #expect(try log.values() == values)
        #expect(try log.recoveryPoint == Offset(20))
    }

    @Test("the last file cut anywhere in its last two batches gives the batches before the cut")
    func cutEverywhere() throws {
        let (scene, values) = try crashed()
        let last = try #require(scene.names().last { $0.hasSuffix(".log") })
        let whole = try scene.content(last)
        let pristine = try TemporaryDirectory()
        try TemporaryDirectory.copy(scene.path, to: pristine.path + "/copy")
        let bounds = try batchBounds(whole)
        let base = try RecordBatchHeader(reading: whole).baseOffset.rawValue
        #expect(bounds.count > 3)
        for length in bounds[bounds.count - 3]..<whole.count {
            try restore(scene, from: pristine)
            try scene.write(whole.slice(0..<length), to: last)
            let complete = bounds.lastIndex { $0 <= length } ?? 0
            let (directory, log) = try scene.reopen()
            let expected = Array(values.prefix(Int(base) + complete))
            #expect(try log.values() == expected)
            #expect(try log.append("new").firstOffset.rawValue == Int64(expected.count))
            #expect(try log.values() == expected + ["new"])
            let isTorn = bounds[complete] != length
            #expect(directory.report.findings.isEmpty != isTorn)
            if isTorn { #expect(scene.lines.contains("cut at \(bounds[complete])")) }
        }
    }

    @Test("a flipped byte in unflushed batches cuts the log before it")
    func flippedBytes() throws {
        let (scene, values) = try crashed()
        let last = try #require(scene.names().last { $0.hasSuffix(".log") })
        let whole = try scene.content(last)
        let pristine = try TemporaryDirectory()
        try TemporaryDirectory.copy(scene.path, to: pristine.path + "/copy")
        let bounds = try batchBounds(whole)
        let base = try RecordBatchHeader(reading: whole).baseOffset.rawValue
        for place in bounds[bounds.count - 3]..<whole.count {
            try restore(scene, from: pristine)
            var bytes = whole.array
            bytes[place] ^= 0x40
            try scene.write(Bytes(bytes), to: last)
            let index = try #require(bounds.lastIndex { $0 <= place })
            let (_, log) = try scene.reopen()
            let found = try log.values()
            let within = place - bounds[index]
            // Base offset and leader epoch lie outside the checksum: a change there may pass, as
            // long as the offsets still ascend.
            if within < 8 || (12..<16).contains(within) {
                #expect(found.starts(with: values.prefix(Int(base) + index)))
            } else {
                #expect(found == Array(values.prefix(Int(base) + index)))
            }
        }
    }

    @Test("segments behind a cut go, and the report names them")
    func laterSegments() throws {
        let (scene, values) = try crashed()
        let logs = try scene.names().filter { $0.hasSuffix(".log") }
        let torn = logs[logs.count - 2]
        let whole = try scene.content(torn)
        try scene.write(whole.slice(0..<whole.count - 1), to: torn)
        let (directory, log) = try scene.reopen()
        let bounds = try batchBounds(whole)
        let base = try RecordBatchHeader(reading: whole).baseOffset.rawValue
        let expected = Array(values.prefix(Int(base) + bounds.count - 2))
        #expect(try log.values() == expected)
        #expect(directory.report.findings.count == 2)
        #expect(try log.append("next").firstOffset.rawValue == Int64(expected.count))
    }

    @Test("a segment that lost whole batches at its end cuts the log too: no hole stays")
    func hole() throws {
        let (scene, values) = try crashed()
        let logs = try scene.names().filter { $0.hasSuffix(".log") }
        let short = logs[logs.count - 2]
        let whole = try scene.content(short)
        let bounds = try batchBounds(whole)
        try scene.write(whole.slice(0..<bounds[bounds.count - 2]), to: short)
        let (_, log) = try scene.reopen()
        let base = try RecordBatchHeader(reading: whole).baseOffset.rawValue
        #expect(try log.values() == Array(values.prefix(Int(base) + bounds.count - 2)))
    }

    @Test("damage in what had been flushed is told with file and position, and nothing is cut")
    func flushedDamage() throws {
        let (scene, _) = try crashed {
            $0.segmentBytes = 10_000
            $0.indexIntervalBytes = 1 << 20
        }
        scene.directory.expectDamage()
        let name = "00000000000000000000.log"
        var bytes = try scene.content(name).array
        let bounds = try batchBounds(Bytes(bytes))
        bytes[bounds[5] + 40] ^= 1
        try scene.write(Bytes(bytes), to: name)
        let (directory, log) = try scene.reopen()
        #expect(directory.report.findings.count == 1)
        let error = logError {
            _ = try log.logEndOffset
        }
        guard case .corrupt(let file, let position, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(file.hasSuffix(name) && position == bounds[5])
        #expect(try scene.content(name).array == bytes)
        // A clean stop must not make the damage look trusted.
        try directory.close()
        let (_, again) = try scene.reopen()
        #expect(throws: LogError.self) { try again.read(from: Offset(6), maxBytes: 1) }
    }

    @Test("indexes that are missing, torn or full of zeros are made anew after a crash")
    func indexes() throws {
        for damage in 0..<3 {
            let (scene, values) = try crashed()
            // Indexes below the recovery point are damaged, too, and are not made anew.
            scene.directory.expectDamage()
            for name in try scene.names()
            where name.hasSuffix(".index") || name.hasSuffix(".timeindex") {
                switch damage {
                case 0: try PosixFileSystem().remove(scene.partitionPath + "/" + name)
                case 1: try scene.write(Bytes([1, 2, 3]), to: name)
                default: try scene.write(Bytes([UInt8](repeating: 0, count: 480)), to: name)
                }
            }
            let (_, log) = try scene.reopen()
            for start in 0..<20 {
                #expect(try log.values(from: Offset(Int64(start))) == Array(values[start...]))
            }
            #expect(try log.offset(forTimestamp: Timestamp(1017))?.offset == Offset(17))
        }
    }

    @Test("what a crash left half done is finished or undone")
    func leftovers() throws {
        let (scene, values) = try crashed()
        // The cleaning that is finished here takes records away that no compaction would.
        scene.directory.expectDamage()
        let first = "00000000000000000000"
        try scene.write(Bytes("x"), to: "\(first).log.cleaned")
        try scene.write(Bytes("x"), to: "\(first).log.swap")
        try scene.write(Bytes("x"), to: "00000000000000000099.log.deleted")
        try scene.write(Bytes("x"), to: "00000000000000000099.index")
        try scene.write(Bytes("x"), to: "leader-epoch-checkpoint.tmp")
        var (directory, log) = try scene.reopen()
        #expect(try log.values() == values)
        let names = try scene.names()
        #expect(names.allSatisfy { $0.hasSuffix("log") || !$0.contains("99") })
        #expect(names.allSatisfy { !$0.hasSuffix("swap") && !$0.hasSuffix("tmp") })
        try directory.close()
        // A finished cleaning: the swap file takes its segment's place.
        let segment = try scene.content("\(first).log")
        try scene.write(segment.slice(0..<batchBounds(segment)[1]), to: "\(first).log.swap")
        (directory, log) = try scene.reopen()
        #expect(try log.values(from: .zero).first == values[0])
        #expect(try log.values().count < values.count)
    }

    @Test("a checkpoint that cannot be read is refused with its name and line")
    func badCheckpoint() throws {
        let (scene, _) = try crashed()
        scene.directory.expectDamage()
        let path = scene.path + "/recovery-point-offset-checkpoint"
        let file = try PosixFileSystem().open(path, .replace)
        try file.write(Bytes("0\n2\nt 0 12\n"), at: 0)
        let error = logError {
            _ = try scene.open()
        }
        guard case .corrupt(let name, _, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(name == path)
    }

    private func batchBounds(_ bytes: Bytes) throws -> [Int] {
        var bounds = [0]
        var batches = RecordBatches(bytes)
        while try batches.next() != nil { bounds.append(batches.position) }
        return bounds
    }

    private func restore(_ scene: Scene, from pristine: TemporaryDirectory) throws {
        try TemporaryDirectory.remove(scene.path)
        try TemporaryDirectory.copy(pristine.path + "/copy", to: scene.path)
    }
}
