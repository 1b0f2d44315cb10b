package import Primitives

extension LogDirectory {
    /// Cleans the compacted log that needs it most: those past `max.compaction.lag.ms` before all
    /// others, then the greatest dirty ratio above `min.cleanable.dirty.ratio`.
    ///
    /// Blocks for as long as that takes; for a background thread, again at once while it returns a
    /// report. Several threads may call it: no two clean the same log. What goes wrong is told to
    /// the world's log, and the next log has its turn.
    ///
    /// - Returns: nil when no log is due.
    @discardableResult
    package func cleanFilthiest(
        now: Timestamp, _ resources: CleaningResources
    ) -> CleaningReport? {
        for log in filthyLogs(now: now) {
            if isOffline || resources.isCancelled() { return nil }
            do throws(LogError) {
                if let report = try log.clean(resources, now: now) { return report }
            } catch .closed {
                // Deleted meanwhile.
            } catch .cleaningAbandoned(let reason) {
                context.world.log(.info, "\(reason): a later round begins anew")
            } catch .io(let error) where error.isNoSpace {
                context.world.log(.warn, "cleaning of log \(log.topicPartition) waits: \(error)")
            } catch {
                // The log is uncleanable, or the directory offline, and has said so.
            }
        }
        return nil
    }

    /// The compacted logs that are due, the filthiest first.
    private func filthyLogs(now: Timestamp) -> [Log] {
        var due: [(log: Log, range: CleaningRange)] = []
        let compacted = logs {
            guard case .resting = $0.cleaningState else { return false }
            return $0.configuration.cleanup.contains(.compact)
        }
        for log in compacted {
            do throws(LogError) {
                let range = try log.cleaningRange(now: now)
                if range.isDue(log.configuration) { due.append((log, range)) }
            } catch .corrupt(let file, let position, let reason) {
                log.setUncleanable(.corrupt(file: file, position: position, reason: reason))
            } catch .closed {
                // Deleted meanwhile.
            } catch {
                context.world.log(.warn, "log \(log.topicPartition) is not looked at: \(error)")
            }
        }
        // By name in the end: an order of its own, whatever the table's.
        due.sort {
            ($0.range.overdue, $0.range.dirtyRatio, $1.log.topicPartition)
                > ($1.range.overdue, $1.range.dirtyRatio, $0.log.topicPartition)
        }
        return due.map(\.log)
    }
}
