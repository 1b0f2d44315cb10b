internal import Coordination
internal import LogCore
internal import Primitives
internal import RecordFormat
internal import WireProtocol

extension Refusal {
    /// The code under which Kafka reports what the log says.
    init(_ error: LogError) {
        self.init(error.code, "\(error)")
    }

    init(_ error: BatchError) {
        self.init(error.code, "\(error)")
    }
}
