internal import LogCore
internal import Primitives
internal import RecordFormat

/// What holds of every open log, whatever became of it: what it tells beside its batches agrees
/// with them.
struct LogLegality {
    let partition: TopicPartition
    let log: Log
    let observed: ObservedLog
    /// The log's batches, and those that were there before its start.
    let history: [WrittenBatch]
    /// Cleaning may have been at it: of `history` there may be less.
    let isCompacted: Bool

    func check(files state: DiskState, in directory: String) throws(Violation) {
        try checkEpochs()
        try checkProducers()
        try checkTimes()
        try TransactionReplay(history).check(
            log, start: observed.start, end: observed.end,
            left: isCompacted ? observed.batches : nil)
        try IndexFiles(state: state, directory: directory).check()
    }

    private func checkEpochs() throws(Violation) {
        var latest = LeaderEpoch.none
        for batch in observed.batches {
            let epoch = batch.header.partitionLeaderEpoch
            try require(
                epoch >= latest, "epoch \(epoch) at offset \(batch.baseOffset) follows \(latest)")
            latest = epoch
            let place = max(batch.baseOffset, observed.start)
            let told = try expecting("asking for an epoch") { () throws(LogError) in
                try log.leaderEpoch(of: place)
            }
            try require(
                told == epoch, "offset \(place) is of epoch \(epoch), the log says \(told)")
        }
        let told = try expecting("asking for the epoch") { () throws(LogError) in
            try log.latestEpoch
        }
        if !observed.batches.isEmpty {
            try require(
                told == latest,
                "the last batch is of epoch \(latest), the log's is \(told ?? .none)")
        }
    }

    /// A producer must be known as its last batch in the log has it. Of one whose batches were all
    /// deleted the log may know the last ones, or nothing.
    private func checkProducers() throws(Violation) {
        var expected: [ProducerID: RecordBatchHeader] = [:]
        for batch in history where batch.header.hasProducerID {
            guard batch.nextOffset <= observed.end else { continue }
            let id = batch.header.producerID
            // A marker is no record of its producer's: it has no sequence number, but it may bring
            // a new epoch.
            if batch.header.attributes.isControl,
                expected[id]?.producerEpoch == batch.header.producerEpoch
            {
                continue
            }
            expected[id] = batch.header
        }
        let told = try expecting("asking for the producers") { () throws(LogError) in
            try log.producerStates
        }
        for producer in told {
            guard let header = expected.removeValue(forKey: producer.id) else {
                throw Violation("producer \(producer.id), of whom the log has no batch")
            }
            try require(
                producer.epoch == header.producerEpoch
                    && producer.lastSequence == header.lastSequence,
                "producer \(producer.id) is remembered with epoch \(producer.epoch), sequence "
                    + "\(producer.lastSequence); its last batch has \(header.producerEpoch), "
                    + "\(header.lastSequence)")
        }
        for (id, header) in expected.sorted(by: { $0.key < $1.key }) {
            try require(
                header.lastOffset < observed.start,
                "producer \(id) is forgotten, its last batch is at \(header.baseOffset)")
        }
    }

    /// A search by time finds the first record that is as late.
    private func checkTimes() throws(Violation) {
        guard let middle = observed.batches.dropFirst(observed.batches.count / 2).first,
            let last = observed.batches.last
        else { return }
        let latest = observed.batches.map(\.header.maxTimestamp).max() ?? .none
        for time in [middle.header.maxTimestamp, last.header.maxTimestamp, latest] {
            let expected = try firstRecord(at: time)
            let found = try expecting("searching time \(time)") { () throws(LogError) in
                try log.offset(forTimestamp: time)
            }
            try require(
                found?.offset == expected,
                "time \(time) is found at \(found?.offset ?? .none), not \(expected ?? .none)")
        }
        let after = Timestamp(latest.rawValue + 1)
        let found = try expecting("searching time \(after)") { () throws(LogError) in
            try log.offset(forTimestamp: after)
        }
        try require(found == nil, "time \(after), later than all, is found")
    }

    private func firstRecord(at time: Timestamp) throws(Violation) -> Offset? {
        for batch in observed.batches where batch.header.maxTimestamp >= time {
            let records = try batch.records()
            if let record = records.first(where: {
                $0.timestamp >= time && $0.offset >= observed.start
            }) {
                return record.offset
            }
        }
        return nil
    }
}

/// The files of a partition's directory, compared with one another.
struct IndexFiles {
    let state: DiskState
    let directory: String

    func check() throws(Violation) {
        for path in state.paths where path.hasPrefix(directory + "/") && path.hasSuffix(".log") {
            let stem = path.dropLast(4)
            guard let base = Int64(stem.suffix(20)) else { continue }
            let content = state.content(path) ?? []
            let batches = Self.batches(in: content)
            let end = batches.last.map { $0.position + $0.header.sizeInBytes } ?? 0
            try require(
                end == content.count,
                "\(path) has \(content.count) bytes, whole batches only up to \(end)")
            if let index = state.content(stem + ".index") {
                try checkOffsets(index, batches, base, stem + ".index")
            }
            if let index = state.content(stem + ".timeindex") {
                try checkTimes(index, batches, base, stem + ".timeindex")
            }
        }
    }

    private static func batches(
        in content: [UInt8]
    ) -> [(position: Int, header: RecordBatchHeader)] {
        let bytes = Bytes(content)
        var found: [(position: Int, header: RecordBatchHeader)] = []
        var position = 0
        while position < bytes.count,
            let header = try? RecordBatchHeader(reading: bytes, at: position)
        {
            found.append((position, header))
            position += header.sizeInBytes
        }
        return found
    }

    private func checkOffsets(
        _ index: [UInt8], _ batches: [(position: Int, header: RecordBatchHeader)], _ base: Int64,
        _ path: String
    ) throws(Violation) {
        let bytes = Bytes(index)
        var next = 0
        // Part of an entry at the end, left by a full disk, counts for nothing.
        for entry in stride(from: 0, through: bytes.count - 8, by: 8) {
            let offset = base + Int64(bytes.load(at: entry, as: Int32.self))
            let position = Int(bytes.load(at: entry + 4, as: Int32.self))
            while next < batches.count, batches[next].position < position { next += 1 }
            try require(
                next < batches.count && batches[next].position == position
                    && batches[next].header.lastOffset.rawValue == offset,
                "\(path) has offset \(offset) at \(position), where no such batch is")
        }
    }

    private func checkTimes(
        _ index: [UInt8], _ batches: [(position: Int, header: RecordBatchHeader)], _ base: Int64,
        _ path: String
    ) throws(Violation) {
        let bytes = Bytes(index)
        for entry in stride(from: 0, through: bytes.count - 12, by: 12) {
            let time = bytes.load(at: entry, as: Int64.self)
            let offset = base + Int64(bytes.load(at: entry + 8, as: Int32.self))
            let upTo = batches.prefix { $0.header.lastOffset.rawValue <= offset }
            try require(
                upTo.map { $0.header.maxTimestamp.rawValue }.max() == time
                    && upTo.contains {
                        $0.header.lastOffset.rawValue == offset
                            && $0.header.maxTimestamp.rawValue == time
                    },
                "\(path) has time \(time) at offset \(offset), which is not so")
        }
    }
}
