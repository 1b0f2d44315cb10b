import Primitives
import Synchronization

/// Keeps what was logged.
final class Lines: LogSink {
    let minimum = LogLevel.debug
    private let lines = Mutex<[String]>([])
    func write(_ level: LogLevel, _ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}
