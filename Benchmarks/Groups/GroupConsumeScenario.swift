internal import Primitives
internal import WireProtocol

/// Four consumers of one group, a partition and a connection each, that read everything: fetches of
/// up to 1 MiB, heartbeats and commits as often as while reading 100 MB a second.
struct GroupConsumeScenario: Scenario {
    let name = "groups-consume"
    let summary = "broker CPU a GB read by a group of 4 with its commits, beside bare sendfile"

    private static let members = 4
    private static let topic = "consumed"
    private static let bytesASecond = 100_000_000
    private static let commitSeconds = 5

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        var figures: [Figure] = []
        let total = bench.scaled(1 << 30)
        for size in [16 << 10, 64 << 10] {
            let (ours, limit) = try bench.withDirectory { (directory) throws(BenchmarkFailed) in
                let broker = try bench.startBroker(in: directory)
                let settled = try SettledGroups<ClassicMember>(
                    broker, members: Self.members, groups: 1, topic: Self.topic)
                var end: Int64 = 0
                for partition in 0..<Self.members {
                    let loader = try TopicLoader(
                        broker, topic: Self.topic, partition: Int32(partition), batchBytes: size)
                    try loader.load(batches: total / Self.members / loader.batch.count)
                    end = loader.endOffset
                }
                let measured = try bench.compare { () throws(BenchmarkFailed) in
                    try Self.reading(settled.members, of: broker, until: end)
                } limit: { () throws(BenchmarkFailed) in
                    try bareSendFile(bench, total: total)
                }
                try broker.stop()
                return measured
            }
            figures.append(
                Figure(
                    what: "batches of \(size >> 10) KiB", unit: "CPU s/GB", ours: ours,
                    limit: limit, budget: .ratioAtMost(1.3)))
        }
        return figures
    }

    private static func reading(
        _ members: [ClassicMember], of broker: Served, until end: Int64
    ) throws(BenchmarkFailed) -> Double {
        var readers = members.enumerated().map { partition, member in
            PartitionReader(
                socket: member.client.socket, topic: topic, partition: Int32(partition),
                fetchBytes: 1 << 20)
        }
        var bytes = 0
        var heartbeats = Turns(every: bytesASecond * ClassicMember.heartbeatInterval / 1000)
        var commits = Turns(every: bytesASecond * commitSeconds)
        let seconds = try broker.processorSeconds { () throws(BenchmarkFailed) in
            while readers.contains(where: { $0.offset < end }) {
                for index in readers.indices where readers[index].offset < end {
                    bytes += try readers[index].next()
                }
                if heartbeats.areDue(at: bytes) {
                    for member in members {
                        try member.client.socket.send(member.heartbeat)
                        try member.check(try member.client.socket.receiveFrame())
                    }
                }
                if commits.areDue(at: bytes) {
                    for (index, member) in members.enumerated() {
                        try commit(readers[index].offset, partition: index, by: member)
                    }
                }
            }
        }
        return perGB(seconds, bytes)
    }

    private static func commit(
        _ offset: Int64, partition: Int, by member: ClassicMember
    ) throws(BenchmarkFailed) {
        var request = OffsetCommitRequest()
        request.groupId = member.group
        request.memberId = member.id
        request.generationIdOrMemberEpoch = member.generation
        request.topics = [.init(topic, partitions: partition..<partition + 1, offset: offset)]
        let response = try member.client.call(request, version: KafkaClient.commitVersion)
        guard response.firstError == 0 else {
            throw BenchmarkFailed("a commit: error \(response.firstError)")
        }
    }
}

/// Something that is to be done whenever so many bytes more have been read.
private struct Turns {
    let every: Int
    private var done = 0

    init(every: Int) { self.every = every }

    mutating func areDue(at bytes: Int) -> Bool {
        defer { done = bytes / every }
        return bytes / every > done
    }
}
