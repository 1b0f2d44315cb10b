internal import Primitives
internal import Testing
internal import WireProtocol

@Suite struct TaggedFieldTests {
    private func heartbeat(tags: [UInt8]) throws -> HeartbeatResponse {
        // throttle time, error code, tagged fields
        try HeartbeatResponse(Bytes([0, 0, 0, 1, 0, 2] + tags), version: 4)
    }

    @Test("unknown tagged fields are kept in order and written again")
    func unknownKept() throws {
        let response = try heartbeat(tags: [2, 5, 2, 0xaa, 0xbb, 9, 0])
        #expect(
            response.unknownTaggedFields == [
                TaggedField(tag: 5, content: Bytes([0xaa, 0xbb])),
                TaggedField(tag: 9, content: .empty),
            ])
        #expect(response.encoded(version: 4).array.suffix(7) == [2, 5, 2, 0xaa, 0xbb, 9, 0])
    }

    @Test("an unknown field with a lower number goes before a known one")
    func order() throws {
        var response = FetchSnapshotResponse()
        response.unknownTaggedFields = [TaggedField(tag: 7, content: .empty)]
        var endpoint = FetchSnapshotResponse.NodeEndpoint()
        endpoint.host = "h"
        response.nodeEndpoints = [endpoint]
        let again = try FetchSnapshotResponse(response.encoded(version: 1), version: 1)
        #expect(again.nodeEndpoints.map(\.host) == ["h"])
        #expect(again.unknownTaggedFields.map(\.tag) == [7])
    }

    @Test("tags that do not grow are refused")
    func disorder() {
        #expect(throws: DecodeError(.tagOutOfOrder(5), at: 9)) {
            try heartbeat(tags: [2, 5, 0, 5, 0])
        }
    }

    @Test("a field longer than what is left is refused before anything is reserved for it")
    func oversized() {
        #expect(throws: DecodeError(.truncated(needed: 127, available: 1), at: 9)) {
            try heartbeat(tags: [1, 5, 127, 0])
        }
        #expect(throws: DecodeError.self) {
            try heartbeat(tags: [0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0])
        }
    }

    @Test("a known field that is shorter than its size is refused")
    func wrongSize() throws {
        // Tag 1 of the answer, finalizedFeaturesEpoch, is eight bytes long and declares nine.
        let body: [UInt8] = [0, 0, 1, 0, 0, 0, 0, 1, 1, 9, 0, 0, 0, 0, 0, 0, 0, 3, 0]
        #expect(throws: DecodeError(.tagSizeMismatch(tag: 1, declared: 9, read: 8), at: 10)) {
            try ApiVersionsResponse(Bytes(body), version: 3)
        }
    }

    @Test("a tagged field with its initial value takes no room")
    func initialLeftOut() {
        #expect(ApiVersionsResponse().encoded(version: 3).array == [0, 0, 1, 0, 0, 0, 0, 0])
    }
}
