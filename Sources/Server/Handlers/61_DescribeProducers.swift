internal import Coordination
internal import LogCore
internal import Primitives
internal import WireProtocol

/// DescribeProducers, version 0 (KIP-664): the producers a partition remembers, and where the open
/// transaction of each began, by which one that hangs is found.
struct DescribeProducersHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...0

    let view: CurrentView

    func handle(_ request: DescribeProducersRequest, _ call: Call<DescribeProducersResponse>) {
        let cluster = view.now
        var response = DescribeProducersResponse()
        for topic in request.topics {
            var answer = DescribeProducersResponse.TopicResponse()
            answer.name = topic.name
            for index in topic.partitionIndexes {
                var part = DescribeProducersResponse.PartitionResponse()
                part.partitionIndex = index
                do throws(Refusal) {
                    let partition = try cluster.partition(topic.name, index)
                    part.activeProducers = try partition.rememberedProducers().map { known in
                        var state = DescribeProducersResponse.ProducerState()
                        state.producerId = known.id.rawValue
                        state.producerEpoch = Int32(known.epoch.rawValue)
                        state.lastSequence = known.lastSequence
                        state.lastTimestamp = known.lastTimestamp.rawValue
                        state.coordinatorEpoch = known.coordinatorEpoch
                        state.currentTxnStartOffset = known.transactionStart.rawValue
                        return state
                    }
                } catch {
                    part.errorCode = error.code.rawValue
                    part.errorMessage = error.message
                }
                answer.partitions.append(part)
            }
            response.topics.append(answer)
        }
        call.answer(response)
    }
}

extension Partition {
    fileprivate func rememberedProducers() throws(Refusal) -> [ProducerDescription] {
        do throws(LogError) {
            return try log.producerStates
        } catch {
            throw Refusal(error)
        }
    }
}
