package import Networking
internal import Primitives
package import WireProtocol

/// What stands before every request's body.
package struct RequestHead: Sendable {
    package let apiKey: APIKey
    package let version: Int16
    package let correlationID: Int32
    package let clientID: String?
}

/// One request that waits for its answer.
///
/// Exactly one of `answer`, `answerNothing` and `close` ends it, once. Each may be called from any
/// thread: away from the connection's loop the answer is posted there.
package struct Call<Response: ResponseMessage>: Sendable {
    package let head: RequestHead
    package let connection: any Connection
    let slot: ReplySlot
    /// nil where requests are not counted.
    let meter: RequestMeter?

    var version: Int16 { head.version }

    /// Sends the response in the place that belongs to this request.
    func answer(_ response: Response) {
        complete(frame(response), meter.map { _ in AnswerErrors(response, version: version) })
    }

    /// The client expects no response (acks=0).
    func answerNothing() { complete([], nil) }

    private func complete(_ payloads: [Payload], _ errors: AnswerErrors?) {
        if connection.loop.isCurrent {
            connection.complete(slot, with: payloads)
            meter?.answered(head.apiKey, errors)
        } else {
            connection.loop.execute { [self] in complete(payloads, errors) }
        }
    }

    /// Ends the whole connection: the only word left where a response is impossible.
    func close(_ reason: String) {
        let connection = connection
        if connection.loop.isCurrent {
            connection.close(reason)
        } else {
            connection.loop.execute { connection.close(reason) }
        }
    }

    private func frame(_ response: Response) -> [Payload] {
        var writer = ByteWriter(capacity: 128)
        writer.write(0 as Int32)
        ResponseHeader(correlationId: head.correlationID).encode(
            into: &writer, apiKey: Response.apiKey, apiVersion: version)
        response.encode(into: &writer, version: version)
        writer.patch(Int32(writer.totalCount - 4), at: 0)
        return writer.finishPayloads()
    }
}
