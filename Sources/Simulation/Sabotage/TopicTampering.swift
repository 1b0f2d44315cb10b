internal import Networking
internal import Primitives
internal import WireProtocol

/// Some records more are deleted than somebody has asked for.
final class GreedyDeletion: Tampering {
    func judge(_ request: TamperedRequest) throws(DecodeError) -> TamperingVerdict {
        guard var deletion = try request.read(DeleteRecordsRequest.self) else {
            return .pass(request.frame)
        }
        for topic in deletion.topics.indices {
            for index in deletion.topics[topic].partitions.indices
            where deletion.topics[topic].partitions[index].offset > 0 {
                deletion.topics[topic].partitions[index].offset += 2
            }
        }
        return .pass(request.frame(of: deletion))
    }
}

/// Topics keep fewer bytes than they are told to.
final class GreedyRetention: Tampering {
    func judge(_ request: TamperedRequest) throws(DecodeError) -> TamperingVerdict {
        guard var creation = try request.read(CreateTopicsRequest.self) else {
            return .pass(request.frame)
        }
        for topic in creation.topics.indices {
            for index in creation.topics[topic].configs.indices
            where creation.topics[topic].configs[index].name == "retention.bytes" {
                creation.topics[topic].configs[index].value = "100"
            }
        }
        return .pass(request.frame(of: creation))
    }
}

/// More partitions are promised, and not made.
final class EmptyPromise: Tampering {
    func judge(_ request: TamperedRequest) throws(DecodeError) -> TamperingVerdict {
        guard var growth = try request.read(CreatePartitionsRequest.self) else {
            return .pass(request.frame)
        }
        growth.validateOnly = true
        return .pass(request.frame(of: growth))
    }
}
