internal import Coordination
internal import LogCore
internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// Produce, versions 3 to 13, announced from 0.
///
/// - Idempotent producers (KIP-98): a repeated batch is answered with the offsets it got the first
///   time.
/// - acks 0: no answer, and a refusal ends the connection, as there is no other word for it; acks
///   1 and -1: answered once the batch is in the log. With an in-sync set of one that is also when
///   it is committed. With `acknowledge.after.flush`, and where `flush.messages` is reached, the
///   answer waits until the batch is on disk.
/// - Which records of a refused batch have no key, where the topic wants one, is said from 8
///   (KIP-467), unless they are more than a thousand: clients may then drop these alone.
/// - Topics by id from 13 (KIP-516). A refusal of one partition leaves the others as they are.
/// - Versions 0 to 2 are announced because librdkafka drops compression otherwise (KAFKA-18659);
///   they cannot be used, as their record formats are gone (KIP-724).
/// - Not done: waiting for followers (there are none), transactions.
struct ProduceHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 3...13
    static let announcedVersions: ClosedRange<Int16> = 0...13

    let view: CurrentView
    let world: World

    func handle(_ request: ProduceRequest, _ call: Call<ProduceResponse>) {
        guard request.acks >= -1, request.acks <= 1 else {
            return answerAll(
                request, Refusal(.invalidRequiredAcks, "acks is \(request.acks)"), call)
        }
        if request.transactionalId != nil {
            return answerAll(
                request,
                Refusal(.invalidTxnState, "this broker has no transactions yet"), call)
        }
        let cluster = view.now
        let now = world.clock.wall()
        var response = ProduceResponse()
        response.responses.reserveCapacity(request.topicData.count)
        var refused: Refusal?
        var waits: [ParkedProduce.Wait] = []
        for topic in request.topicData {
            var answer = ProduceResponse.TopicProduceResponse()
            answer.name = topic.name
            answer.topicId = topic.topicId
            answer.partitionResponses.reserveCapacity(topic.partitionData.count)
            for data in topic.partitionData {
                var part = ProduceResponse.PartitionProduceResponse()
                part.index = data.index
                do throws(Refusal) {
                    let name =
                        call.version >= 13 ? try cluster.topicName(topic.topicId) : topic.name
                    if InternalTopics.contains(name) {
                        throw Refusal(.invalidTopicException, "\(name) is the brokers' own topic")
                    }
                    let partition = try cluster.partition(name, data.index)
                    let result = try append(
                        data.records, to: partition, acks: request.acks, version: call.version,
                        now: now)
                    part.baseOffset = result.firstOffset.rawValue
                    part.logAppendTimeMs = result.logAppendTime.rawValue
                    part.logStartOffset = result.logStartOffset.rawValue
                    if result.isFlushDue {
                        waits.append(
                            .init(
                                topic: response.responses.count,
                                part: answer.partitionResponses.count, partition: partition,
                                appended: result))
                    }
                } catch {
                    refused = error
                    part.fill(error)
                    world.log(
                        .debug, "produce to \(topic.name)-\(data.index) refused: \(error.message)")
                }
                answer.partitionResponses.append(part)
            }
            response.responses.append(answer)
        }
        if request.acks != 0 {
            if waits.isEmpty { return call.answer(response) }
            return ParkedProduce(call, response: response, waits: waits.count).start(waits)
        }
        for wait in waits { flush(wait) }
        if let refused { return call.close("produce with acks=0 failed: \(refused.message)") }
        call.answerNothing()
    }

    /// `flush.messages` is reached by records whose producer wants no answer.
    private func flush(_ wait: ParkedProduce.Wait) {
        let log = world.log
        wait.partition.whenOnDisk(wait.appended) { refusal in
            if let refusal { log(.warn, "flush of \(wait.partition.id): \(refusal.message)") }
        }
    }

    private func append(
        _ records: Payload?, to partition: Partition, acks: Int16, version: Int16, now: Timestamp
    ) throws(Refusal) -> AppendResult {
        guard case .bytes(let bytes) = records, !bytes.isEmpty else {
            throw Refusal(.invalidRecord, "no records for \(partition.id)")
        }
        let checked = try ProduceValidation(
            topic: partition.configuration, version: version, now: now
        ).check(bytes)
        return try partition.append(checked, acks: acks, now: now)
    }

    private func answerAll(
        _ request: ProduceRequest, _ refusal: Refusal, _ call: Call<ProduceResponse>
    ) {
        if request.acks == 0 { return call.close(refusal.message) }
        var response = ProduceResponse()
        for topic in request.topicData {
            var answer = ProduceResponse.TopicProduceResponse()
            answer.name = topic.name
            answer.topicId = topic.topicId
            for data in topic.partitionData {
                var part = ProduceResponse.PartitionProduceResponse()
                part.index = data.index
                part.fill(refusal)
                answer.partitionResponses.append(part)
            }
            response.responses.append(answer)
        }
        call.answer(response)
    }
}

extension ProduceResponse.PartitionProduceResponse {
    mutating func fill(_ refusal: Refusal) {
        errorCode = refusal.code.rawValue
        errorMessage = refusal.message
        recordErrors = refusal.records.map { index in
            var error = ProduceResponse.BatchIndexAndErrorMessage()
            error.batchIndex = Int32(index)
            return error
        }
        baseOffset = -1
        logAppendTimeMs = -1
        logStartOffset = -1
    }
}
