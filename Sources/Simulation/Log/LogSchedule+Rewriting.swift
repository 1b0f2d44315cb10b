internal import LogCore
internal import Primitives
internal import RecordFormat

extension LogSchedule {
    /// Cleaning, and syncs that several logs share.
    static let rewriting: [LogSchedule] = [
        LogSchedule("compaction", "rounds of cleaning swap groups of segments for smaller ones") {
            $0.cleanup = .compact
            $0.deleteRetentionMilliseconds = 500
        } prepare: { scene throws(Violation) in
            try scene.begin()
            try scene.fillKeys(log, 12)
            try scene.must(scene.writeCheckpoints())
        } run: { scene throws(Violation) in
            try scene.must(scene.clean(log))
            try scene.fillKeys(log, 6)
            try scene.must(scene.clean(log))
            scene.clock.advance(milliseconds: 1000)
            try scene.fillKeys(log, 4)
            try scene.must(scene.clean(log))
            try scene.must(scene.writeCheckpoints())
        },
        LogSchedule("group-commit", "one round of syncs for two logs, which both are told of") {
            _ in
        } prepare: { scene throws(Violation) in
            try scene.begin([log, other])
        } run: { scene throws(Violation) in
            for number in 0..<3 {
                try scene.fill(log, 2 + number)
                try scene.must(scene.append(other, [1, 2]))
                try scene.must(scene.commitTogether([log, other]))
                try scene.must(scene.append(other, [1]))
            }
        },
        LogSchedule("transactions", "transactions of three producers, committed and aborted") { _ in
        } run: { scene throws(Violation) in
            for round in 0..<6 {
                for id in 0..<3 where (round + id) % 3 != 2 {
                    try scene.must(
                        scene.append(
                            log, [1 + id], producer: ProducerID(Int64(id)), isTransactional: true))
                }
                // One stays open over rounds, and so over segments.
                let id = ProducerID(Int64(round % 3))
                let result: ControlRecord.TransactionResult = round % 2 == 0 ? .abort : .commit
                try scene.must(scene.endTransaction(log, of: id, result))
                if round % 3 == 1 { try scene.must(scene.flush(log)) }
                if round == 5 { try scene.must(scene.writeCheckpoints()) }
            }
        },
        LogSchedule(
            "retention-transaction",
            "retention and snapshots go past the beginnings of transactions that are open"
        ) { _ in
        } run: { scene throws(Violation) in
            for round in 0..<4 {
                for id in 0..<2 { try scene.appendTransactional(log, ProducerID(Int64(id))) }
                try scene.fill(log, 5)
                if round % 2 == 1 { try scene.must(scene.flush(log)) }
                try scene.must(scene.retain(log, bytes: 900))
                if round == 2 { try scene.must(scene.writeCheckpoints()) }
                // One transaction stays open over rounds and outlives its first segments.
                let result: ControlRecord.TransactionResult = round % 2 == 0 ? .abort : .commit
                try scene.must(
                    scene.endTransaction(log, of: ProducerID(round == 3 ? 0 : 1), result))
            }
            try scene.must(scene.retain(log, bytes: 0))
            try scene.appendTransactional(log, ProducerID(1))
        },
        LogSchedule("cursor-commit", "a topic, its settings and its cursors, through a store") {
            scene throws(Violation) in
            try scene.runCursors()
        },
    ]
}

extension LogScene {
    fileprivate func appendTransactional(
        _ partition: TopicPartition, _ producer: ProducerID
    ) throws(Violation) {
        try must(append(partition, [1, 2], producer: producer, isTransactional: true))
    }
}
