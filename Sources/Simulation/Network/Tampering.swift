internal import Networking
internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// What a proxy between the network and the server does to requests and answers.
enum Tampering: Sendable {
    /// No word of it reaches the server, nor the client.
    case swallow(every: Int)
    /// A produce request is answered in the server's place, and goes nowhere.
    case acknowledge(every: Int)
    /// Batches reach the server as those of a producer without an id.
    case forgetProducers
    /// A fetch's answer gives a high watermark that is too high.
    case raiseWatermark(every: Int)
    /// A member is given the first partition beside its share.
    case shareFirstPartition
    /// A member is told to start before what was committed.
    case lowerOffsets(every: Int)
    /// A fetch asks for what follows the offset that was asked for.
    case shiftFetch(every: Int)

    enum Verdict {
        case pass(Bytes)
        case swallow
        case answer(Bytes)
    }

    /// Of request number `number`.
    func judge(_ frame: Bytes, head: RequestHeader, number: Int) throws(DecodeError) -> Verdict {
        switch self {
        case .swallow(let interval):
            return number.isMultiple(of: interval) ? .swallow : .pass(frame)
        case .acknowledge(let interval):
            guard head.apiKey == .produce, number.isMultiple(of: interval) else {
                return .pass(frame)
            }
            return try acknowledge(frame, head)
        case .forgetProducers:
            guard head.apiKey == .produce else { return .pass(frame) }
            return .pass(
                try rewrite(ProduceRequest.self, frame, head) { request in
                    Self.eachPartition(of: &request) { $0.records = Self.anonymous($0.records) }
                })
        case .shiftFetch(let interval):
            guard head.apiKey == .fetch, number.isMultiple(of: interval) else {
                return .pass(frame)
            }
            return .pass(
                try rewrite(FetchRequest.self, frame, head) { request in
                    for topic in request.topics.indices {
                        for index in request.topics[topic].partitions.indices {
                            request.topics[topic].partitions[index].fetchOffset += 7
                        }
                    }
                })
        case .raiseWatermark, .shareFirstPartition, .lowerOffsets:
            return .pass(frame)
        }
    }

    /// The answer as the client gets it.
    func change(
        _ payloads: [Payload], head: RequestHeader, number: Int
    ) throws(DecodeError) -> [Payload] {
        switch self {
        case .raiseWatermark(let interval) where number.isMultiple(of: interval):
            return try rewrite(FetchResponse.self, payloads, head) { response in
                for topic in response.responses.indices {
                    for index in response.responses[topic].partitions.indices {
                        response.responses[topic].partitions[index].highWatermark += 3
                    }
                }
            }
        case .shareFirstPartition:
            return try rewrite(SyncGroupResponse.self, payloads, head) { response in
                let share = response.assignment.array
                if response.errorCode == 0, !share.contains(0) {
                    response.assignment = Bytes([0] + share)
                }
            }
        case .lowerOffsets(let interval) where number.isMultiple(of: interval):
            return try rewrite(OffsetFetchResponse.self, payloads, head) { response in
                for topic in response.topics.indices {
                    for index in response.topics[topic].partitions.indices {
                        response.topics[topic].partitions[index].committedOffset -= 1
                    }
                }
            }
        default: return payloads
        }
    }

    // MARK: Parts

    private func acknowledge(
        _ frame: Bytes, _ head: RequestHeader
    ) throws(DecodeError) -> Verdict {
        var reader = ByteReader(frame)
        _ = try RequestHeader(from: &reader)
        let request = try ProduceRequest(from: &reader, version: head.apiVersion)
        if request.acks == 0 { return .swallow }
        var response = ProduceResponse()
        response.responses = request.topicData.map { topic in
            var answer = ProduceResponse.TopicProduceResponse()
            answer.name = topic.name
            answer.topicId = topic.topicId
            answer.partitionResponses = topic.partitionData.map { data in
                var part = ProduceResponse.PartitionProduceResponse()
                part.index = data.index
                part.baseOffset = 1_000_000
                return part
            }
            return answer
        }
        return .answer(Self.framed(response, head))
    }

    private func rewrite<Request: RequestMessage>(
        _: Request.Type, _ frame: Bytes, _ head: RequestHeader, _ change: (inout Request) -> Void
    ) throws(DecodeError) -> Bytes {
        var reader = ByteReader(frame)
        _ = try RequestHeader(from: &reader)
        var request = try Request(from: &reader, version: head.apiVersion)
        change(&request)
        var writer = ByteWriter()
        head.encode(into: &writer)
        request.encode(into: &writer, version: head.apiVersion)
        return writer.finish()
    }

    /// An answer of one API, changed; others as they are.
    private func rewrite<Response: ResponseMessage>(
        _: Response.Type, _ payloads: [Payload], _ head: RequestHeader,
        _ change: (inout Response) -> Void
    ) throws(DecodeError) -> [Payload] {
        guard head.apiKey == Response.apiKey else { return payloads }
        var queue = WriteQueue()
        queue.append(payloads)
        guard let whole = try? queue.take(upTo: .max) else { return payloads }
        var reader = ByteReader(whole.slice(4..<whole.count))
        _ = try ResponseHeader(
            from: &reader, apiKey: head.apiKey, apiVersion: head.apiVersion)
        var response = try Response(from: &reader, version: head.apiVersion)
        change(&response)
        return [.bytes(Self.framed(response, head))]
    }

    private static func framed<Response: ResponseMessage>(
        _ response: Response, _ head: RequestHeader
    ) -> Bytes {
        var writer = ByteWriter()
        writer.write(0 as Int32)
        ResponseHeader(correlationId: head.correlationId).encode(
            into: &writer, apiKey: head.apiKey, apiVersion: head.apiVersion)
        response.encode(into: &writer, version: head.apiVersion)
        writer.patch(Int32(writer.totalCount - 4), at: 0)
        return writer.finish()
    }

    private static func eachPartition(
        of request: inout ProduceRequest,
        _ change: (inout ProduceRequest.PartitionProduceData) -> Void
    ) {
        for topic in request.topicData.indices {
            for index in request.topicData[topic].partitionData.indices {
                change(&request.topicData[topic].partitionData[index])
            }
        }
    }

    /// The same records without their producer; as they were where they cannot be read.
    private static func anonymous(_ records: Payload?) -> Payload? {
        guard case .bytes(let bytes)? = records else { return records }
        do throws(BatchError) {
            let batch = try RecordBatch(atFrontOf: bytes)
            var cursor = try batch.records(decompressionLimit: 1 << 20)
            var builder = RecordBatchBuilder()
            while let record = try cursor.next() { builder.append(record) }
            return (try? builder.build()).map { .bytes($0) }
        } catch {
            return records
        }
    }
}
