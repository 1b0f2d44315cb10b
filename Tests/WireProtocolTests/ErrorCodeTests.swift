import Testing
import WireProtocol

@Suite("The error codes in a response")
struct ErrorCodeTests {
    private func codes(_ response: some ResponseMessage, _ version: Int16) -> [Int16] {
        var codes: [Int16] = []
        response.forEachErrorCode(version: version) { codes.append($0) }
        return codes
    }

    @Test(
        "are those that its version has",
        arguments: [(1, [3]), (2, [1, 3]), (7, [1, 3]), (8, [2])] as [(Int16, [Int16])])
    func versions(version: Int16, expected: [Int16]) {
        var partition = OffsetFetchResponse.OffsetFetchResponsePartition()
        partition.errorCode = 3
        var topic = OffsetFetchResponse.OffsetFetchResponseTopic()
        topic.partitions = [partition]
        var group = OffsetFetchResponse.OffsetFetchResponseGroup()
        group.errorCode = 2
        var response = OffsetFetchResponse()
        response.errorCode = 1
        response.topics = [topic]
        response.groups = [group]
        #expect(codes(response, version) == expected)
    }

    @Test("are one for each part, but for those that stand beside another in tagged fields")
    func parts() {
        var response = CreateTopicsResponse()
        for code in [0, 36] as [Int16] {
            var topic = CreateTopicsResponse.CreatableTopicResult()
            topic.errorCode = code
            topic.topicConfigErrorCode = 29
            response.topics.append(topic)
        }
        #expect(codes(response, 7) == [0, 36])
    }

    @Test("are none where a response has none")
    func none() { #expect(codes(DescribeConfigsResponse(), 4).isEmpty) }
}
