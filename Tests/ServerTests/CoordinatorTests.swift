import Primitives
import Testing
import WireProtocol

@Suite("Looking for a coordinator")
struct CoordinatorTests {
    @Test(
        "there is none yet, in every version, and the client may ask again",
        arguments: FindCoordinatorRequest.versions.lowerBound...4)
    func none(version: Int16) throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        var request = FindCoordinatorRequest()
        request.key = "group"
        request.coordinatorKeys = ["group", "other"]
        let response = try client.call(request, version: version)
        let code = ErrorCode.coordinatorNotAvailable.rawValue
        if version >= 4 {
            #expect(response.coordinators.map(\.key) == ["group", "other"])
            #expect(response.coordinators.allSatisfy { $0.errorCode == code })
        } else {
            #expect(response.errorCode == code)
        }
    }
}
