internal import Networking
internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// One produce request in so many is acknowledged, at the offsets that come next, and appended a
/// moment later: if the server is still there.
///
/// `@unchecked Sendable`: one thread, see `Tampering`.
final class EarlyAcknowledgement: Tampering, @unchecked Sendable {
    private struct Place: Hashable {
        let topic: String
        let id: UUID128
        let partition: Int32
    }
    private let interval: Int
    /// Of the logs, as answers tell.
    private var ends: [Place: Int64] = [:]
    private var produceCount = 0

    private static let delayMilliseconds: Int64 = 300

    init(every interval: Int) { self.interval = interval }

    func judge(_ request: TamperedRequest) throws(DecodeError) -> TamperingVerdict {
        guard var produce = try request.read(ProduceRequest.self), produce.acks != 0 else {
            return .pass(request.frame)
        }
        produceCount += 1
        guard produceCount.isMultiple(of: interval), let answer = presumedAnswer(to: produce) else {
            return .pass(request.frame)
        }
        // Nobody waits for the answer any more.
        produce.acks = 0
        return .answer(
            request.frame(of: answer), pass: request.frame(of: produce),
            after: Self.delayMilliseconds)
    }

    /// nil where the end of a log is not known.
    private func presumedAnswer(to request: ProduceRequest) -> ProduceResponse? {
        var response = ProduceResponse()
        for topic in request.topicData {
            var answer = ProduceResponse.TopicProduceResponse()
            answer.name = topic.name
            answer.topicId = topic.topicId
            for data in topic.partitionData {
                let place = Place(topic: topic.name, id: topic.topicId, partition: data.index)
                guard let end = ends[place] else { return nil }
                var part = ProduceResponse.PartitionProduceResponse()
                part.index = data.index
                part.baseOffset = end
                ends[place] = end + Self.recordCount(data.records)
                answer.partitionResponses.append(part)
            }
            response.responses.append(answer)
        }
        return response
    }

    func change(
        _ payloads: [Payload], to request: TamperedRequest
    ) throws(DecodeError) -> [Payload] {
        guard let produce = try request.read(ProduceRequest.self),
            let response = try request.read(ProduceResponse.self, in: payloads)
        else { return payloads }
        for (topic, asked) in zip(response.responses, produce.topicData) {
            for (part, data) in zip(topic.partitionResponses, asked.partitionData)
            where part.errorCode == 0 {
                let place = Place(topic: asked.name, id: asked.topicId, partition: data.index)
                let end = part.baseOffset + Self.recordCount(data.records)
                ends[place] = max(ends[place] ?? 0, end)
            }
        }
        return payloads
    }

    private static func recordCount(_ records: Payload?) -> Int64 {
        guard case .bytes(let bytes)? = records, let batch = try? RecordBatch(atFrontOf: bytes)
        else { return 0 }
        return Int64(batch.header.recordCount)
    }
}
