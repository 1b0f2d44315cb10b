internal import Primitives
package import WireProtocol

extension ControllerMachine {
    /// How many producer ids a broker gets at once.
    package static let producerIDBlock: Int32 = 1000

    /// Gives a registered broker the next thousand producer ids; no id is ever given twice.
    package func allocateProducerIds(
        _ request: AllocateProducerIdsRequest
    ) -> Decision<AllocateProducerIdsResponse> {
        var response = AllocateProducerIdsResponse()
        let broker = image.broker(BrokerID(request.brokerId))
        guard let broker, broker.epoch.rawValue == request.brokerEpoch else {
            response.errorCode = ErrorCode.staleBrokerEpoch.rawValue
            return Decision(response)
        }
        let first = image.nextProducerID.rawValue
        let (next, overflow) = first.addingReportingOverflow(Int64(Self.producerIDBlock))
        guard !overflow else {
            response.errorCode = ErrorCode.unknownServerError.rawValue
            return Decision(response)
        }
        response.producerIdStart = first
        response.producerIdLen = Self.producerIDBlock
        var record = ProducerIdsRecord()
        record.brokerId = request.brokerId
        record.brokerEpoch = request.brokerEpoch
        record.nextProducerId = next
        return Decision(response, records: [.producerIds(record)])
    }
}
