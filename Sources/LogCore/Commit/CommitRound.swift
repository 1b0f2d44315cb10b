internal import Primitives

/// One round of a group commit: those it is for, and what each of their logs has to sync.
struct CommitRound {
    /// A log's part. Its plan is nil where everything is on disk already.
    private struct Part {
        let log: Log
        var depth: CommitDepth
        var plan: FlushPlan?
        var isGathered = false
        var error: LogError?
        var progress: CommitProgress?
    }

    private let waiters: [CommitWaiter]
    /// In the order in which the logs were first waited for.
    private var parts: [Part] = []
    private var numbers: [ObjectIdentifier: Int] = [:]

    init(_ waiters: [CommitWaiter]) {
        self.waiters = waiters
        for waiter in waiters {
            if let number = numbers[ObjectIdentifier(waiter.log)] {
                parts[number].depth = max(parts[number].depth, waiter.depth)
            } else {
                numbers[ObjectIdentifier(waiter.log)] = parts.count
                parts.append(Part(log: waiter.log, depth: waiter.depth))
            }
        }
    }

    /// Gathers what is to be synced, log by log, until `descriptors` are held; the others wait for
    /// the next round.
    mutating func plan(descriptors: Int) {
        var held = 0
        for index in parts.indices where held < descriptors {
            do throws(LogError) {
                parts[index].plan = try parts[index].log.planFlush(parts[index].depth)
                parts[index].isGathered = true
                held += parts[index].plan?.syncCount ?? 0
            } catch {
                parts[index].error = error
            }
        }
    }

    /// Syncs that would do, one for each file.
    var syncCount: Int { parts.reduce(0) { $0 + ($1.plan?.syncCount ?? 0) } }

    /// Syncs file by file, and no more behind the first failure.
    mutating func synchronizeEachFile(_ files: any FileSystem) {
        for index in parts.indices {
            guard let plan = parts[index].plan else { continue }
            let log = parts[index].log
            do throws(FileError) {
                try plan.synchronize(files)
            } catch  where error.isMissing && log.isShut {
                // Deleted meanwhile: the directory has another name, and nobody will look for the
                // records.
                parts[index].error = .closed(log.topicPartition)
            } catch {
                // With the directory offline `conclude` finds every log failed.
                _ = log.context.fail(error)
                return
            }
        }
    }

    mutating func synchronize(_ volume: any Volume) {
        do throws(FileError) {
            try volume.synchronize()
        } catch {
            // One failure takes the directory offline, which all its logs share.
            _ = parts.first?.log.context.fail(error)
        }
    }

    /// Takes note in each log of what was synced, and tells those who waited. Returns those whose
    /// records another flush has to reach: they were not gathered, or what had been gathered was cut
    /// meanwhile, and others took its place.
    mutating func conclude() -> [CommitWaiter] {
        for index in parts.indices where parts[index].isGathered && parts[index].error == nil {
            do throws(LogError) {
                parts[index].progress = try parts[index].log.finish(parts[index].plan)
            } catch {
                parts[index].error = error
            }
        }
        var unresolved: [CommitWaiter] = []
        for waiter in waiters {
            guard let number = numbers[ObjectIdentifier(waiter.log)] else { continue }
            if let error = parts[number].error {
                waiter.resolve(error)
                continue
            }
            guard let progress = parts[number].progress else {
                unresolved.append(waiter)
                continue
            }
            if waiter.target <= progress.recoveryPoint {
                waiter.resolve(nil)
            } else if waiter.target > progress.end {
                waiter.resolve(
                    .offsetOutOfRange(
                        requested: waiter.target, start: progress.start, end: progress.end))
            } else {
                unresolved.append(waiter)
            }
        }
        return unresolved
    }
}

/// How far a log is on disk, behind a round.
struct CommitProgress: Sendable {
    let recoveryPoint: Offset
    let start: Offset
    /// Where the log ends, or is about to be cut.
    let end: Offset
}
