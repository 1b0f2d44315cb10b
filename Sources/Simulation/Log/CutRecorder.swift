internal import Synchronization

/// A moment at which the power may fail: the disk, and what had been promised by then.
package struct Cut: Sendable {
    /// The change that has not begun.
    package let change: Int
    package let disk: DiskState
    package let ledger: DirectoryLedger
}

/// Keeps the ledger of a scene, and while it is told to, every moment between two changes.
final class CutRecorder: Sendable {
    private struct State: Sendable {
        var ledger = DirectoryLedger()
        var isRecording = false
        var cuts: [Cut] = []
    }

    private let state = Mutex(State())

    var ledger: DirectoryLedger { state.withLock { $0.ledger } }

    func update(_ change: (inout DirectoryLedger) -> Void) {
        state.withLock { change(&$0.ledger) }
    }

    func record() { state.withLock { $0.isRecording = true } }

    /// Called before each change of the disk, and once at the end.
    func note(_ disk: DiskState) {
        state.withLock { state in
            guard state.isRecording else { return }
            state.cuts.append(
                Cut(change: disk.changeCount + 1, disk: disk, ledger: state.ledger))
        }
    }

    var cuts: [Cut] { state.withLock { $0.cuts } }
}
