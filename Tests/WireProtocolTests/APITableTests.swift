internal import Primitives
internal import Testing
internal import WireProtocol

@Suite struct APITableTests {
    @Test("keys are unique, and found by number")
    func keys() {
        #expect(APIKey.allCases == APIKey.allCases.sorted())
        #expect(Set(APIKey.allCases).count == APIKey.allCases.count)
        #expect(APIKey(rawValue: 1).name == "Fetch")
        #expect(APIKey(rawValue: 4).api == nil)
        #expect(APIKey(rawValue: -1).api == nil)
        #expect(APIKey(rawValue: 9999).name == "API 9999")
    }

    @Test("request and response of an API agree on key and versions")
    func agreement() {
        for api in APIDescription.all {
            #expect(api.request.apiKey == api.response.apiKey)
            #expect(api.request.versions == api.response.versions)
            #expect(api.request.firstFlexibleVersion == api.response.firstFlexibleVersion)
        }
    }

    @Test("header versions follow from key and version")
    func headerVersions() {
        #expect(APIKey.produce.requestHeaderVersion(8) == 1)
        #expect(APIKey.produce.requestHeaderVersion(9) == 2)
        #expect(APIKey.produce.responseHeaderVersion(8) == 0)
        #expect(APIKey.produce.responseHeaderVersion(9) == 1)
        #expect(APIKey.saslHandshake.requestHeaderVersion(1) == 1)
        #expect(APIKey.apiVersions.requestHeaderVersion(3) == 2)
        #expect(APIKey.apiVersions.responseHeaderVersion(4) == 0)
        #expect(APIKey(rawValue: 7).requestHeaderVersion(0) == 0)
    }

    @Test("an ApiVersions request of a version to come is answered in version 0")
    func answerVersion() {
        #expect(ApiVersionsResponse.answerVersion(to: 3) == 3)
        #expect(ApiVersionsResponse.answerVersion(to: 99) == 0)
        #expect(ApiVersionsResponse.answerVersion(to: -1) == 0)
    }

    @Test("a header of an unknown API is read as far as every header goes")
    func unknownAPI() throws {
        let bytes: [UInt8] = [0x7f, 0, 0, 9, 0, 0, 0, 1, 0, 1, 0x61, 0xff]
        var reader = ByteReader(Bytes(bytes))
        let header = try RequestHeader(from: &reader)
        #expect(header.apiKey.api == nil)
        #expect(header.clientId == "a")
        #expect(reader.remaining == 1)
    }

    @Test("error codes have distinct names, and are found by number")
    func errorCodes() {
        #expect(ErrorCode.allCases.map(\.rawValue) == Array(-1...133))
        #expect(Set(ErrorCode.allCases.map(\.name)).count == ErrorCode.allCases.count)
        #expect(ErrorCode(rawValue: 6) == .notLeaderOrFollower)
        #expect(ErrorCode.notLeaderOrFollower.name == "NOT_LEADER_OR_FOLLOWER")
        #expect(ErrorCode.notLeaderOrFollower.isRetriable)
        #expect(!ErrorCode.messageTooLarge.isRetriable)
    }
}
