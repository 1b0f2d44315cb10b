package import Primitives

/// What opening a log directory found and did. Each line of it was also said in the process's log.
package struct RecoveryReport: Sendable {
    /// A log that lost something, or could not be trusted.
    package struct Finding: Sendable, CustomStringConvertible {
        package enum Kind: Sendable {
            /// The end of a file that a crash had left unfinished was cut.
            case cut(file: String, position: Int, bytes: Int, reason: String)
            /// A segment behind a cut, whose records would no longer follow on.
            case removedSegment(file: String, bytes: Int)
            /// The log ends below the offset up to which it had been flushed: the disk lost
            /// records.
            case endsBelowRecoveryPoint(end: Offset, recoveryPoint: Offset)
            /// Records of a log that was never cleaned are missing before a segment, though they had
            /// been flushed. The log has a gap there; nothing was cut.
            case missing(file: String, from: Offset, to: Offset)
            /// Damage in what had been flushed. Nothing was cut; the log refuses every call with
            /// it.
            case damaged(LogError)
            /// Its files could not be read or written now; its first use tries again.
            case unchecked(LogError)
        }

        package let partition: TopicPartition
        package let kind: Kind

        package var description: String {
            switch kind {
            case .cut(let file, let position, let bytes, let reason):
                "log \(partition): \(file) cut at \(position), \(bytes) bytes lost: \(reason)"
            case .removedSegment(let file, let bytes):
                "log \(partition): \(file) of \(bytes) bytes removed, as it follows a cut"
            case .endsBelowRecoveryPoint(let end, let point):
                "log \(partition): ends at \(end), though it had been flushed up to \(point)"
            case .missing(let file, let first, let end):
                "log \(partition): offsets \(first) to \(end.advanced(by: -1)) are missing before "
                    + "\(file), though they had been flushed"
            case .damaged(let error): "log \(partition): \(error)"
            case .unchecked(let error): "log \(partition) could not be checked yet: \(error)"
            }
        }
    }

    /// The last owner of the directory had stopped cleanly: nothing was scanned.
    package internal(set) var wasCleanStop: Bool
    package internal(set) var logCount = 0
    package internal(set) var findings: [Finding] = []

    /// How far recovery has come.
    package struct Progress: Sendable, Equatable {
        package internal(set) var logsDone = 0
        package let logCount: Int
        /// Bytes of segments that were checked.
        package internal(set) var bytesDone = 0
        /// Bytes of the segments that reach behind their logs' recovery points.
        package let byteCount: Int
        /// The log that was worked on last.
        package internal(set) var partition: TopicPartition?
    }
}
