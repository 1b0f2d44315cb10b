internal import Client
internal import Primitives

// Answers to parts of a question: what came is shown, what did not is said.

extension ClusterSession {
    /// The answer, or nil after saying why there is none.
    func value<Value>(of answer: Admin.Outcome<Value>?, _ code: inout ExitCode) -> Value? {
        switch answer {
        case .success(let value)?: return value
        case .failure(let error)?:
            code = code.combined(with: say(error))
            return nil
        case nil: return nil
        }
    }

    /// The offsets that came for the partitions of one topic, or of all; what did not come is said,
    /// each reason once.
    func offsets(
        _ answers: [TopicPartition: Admin.Outcome<Offset?>], of topic: String? = nil,
        _ code: inout ExitCode
    ) -> [TopicPartition: Offset] {
        var offsets: [TopicPartition: Offset] = [:]
        var said: Set<String> = []
        for (partition, answer) in answers.sorted(by: { $0.key < $1.key })
        where partition.topic == topic ?? partition.topic {
            switch answer {
            case .success(let offset): offsets[partition] = offset
            case .failure(let error):
                guard said.insert("\(error)").inserted else { continue }
                code = code.combined(with: say(error))
            }
        }
        return offsets
    }
}

// What a cell shows where there is nothing.

extension Optional where Wrapped: CustomStringConvertible {
    /// A dash for nil.
    var text: String { self?.description ?? "-" }
}

extension Array where Element == BrokerID {
    var list: String { isEmpty ? "-" : map(\.description).joined(separator: ",") }
}
