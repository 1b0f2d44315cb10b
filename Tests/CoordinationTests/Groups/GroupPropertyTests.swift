import Coordination
import Primitives
import Testing
import WireProtocol

/// A client of a group, as far as it knows.
private struct Client {
    enum Stage {
        case outside
        case joining(GroupTicket)
        case syncing(GroupTicket)
        case member
    }
    var stage = Stage.outside
    var member = ""
    var generation: Int32 = -1
    var instance: String?
    /// What it was assigned in its generation.
    var part: [UInt8] = []
}

/// Clients that join, commit, leave and die in an order that chance gives, and a coordinator that
/// dies under them.
private struct Crowd {
    let world: GroupScenario
    let random: SeededRandom
    var clients: [Client]
    var lastGeneration: Int32 = 0
    /// Of each generation that became stable: who owns which partition.
    var owners: [Int32: [UInt8: String]] = [:]
    var highestCommit: Int64 = -1

    init(seed: UInt64) {
        world = GroupScenario(seed: seed) { $0.initialRebalanceDelay = seed % 2 == 0 ? 0 : 500 }
        random = SeededRandom(seed: seed &* 77)
        clients = (0..<5).map { index in
            var client = Client()
            if index < 2 { client.instance = "i\(index)" }
            return client
        }
    }

    mutating func act() throws {
        let index = random.below(clients.count)
        switch random.below(12) {
        case 0: clients[index] = Client(instance: clients[index].instance)
        case 1: world.pass(milliseconds: Int64(random.below(12_000)))
        case 2 where random.below(4) == 0: try restart()
        case 3: try leave(index)
        case 4, 5: try commit(index)
        case 6: try commitAsAnother(index)
        default:
            world.pass(milliseconds: Int64(random.below(300)))
            try advance(index)
        }
    }

    private mutating func restart() throws {
        try world.restart()
        for index in clients.indices {
            switch clients[index].stage {
            // Their connections are gone.
            case .joining, .syncing: clients[index].stage = .outside
            case .outside, .member: break
            }
        }
    }

    /// The next thing that a sound client does.
    private mutating func advance(_ index: Int) throws {
        let client = clients[index]
        switch client.stage {
        case .outside:
            let ticket = world.join(client.member) {
                $0.instance = client.instance
                $0.version = 9
            }
            clients[index].stage = .joining(ticket)
        case .joining(let ticket):
            guard let answer = world.joined(ticket) else { return }
            clients[index].stage = .outside
            if answer.errorCode == ErrorCode.memberIdRequired.rawValue {
                clients[index].member = answer.memberId
            } else if answer.errorCode == 0 {
                entered(index, answer)
            } else {
                clients[index].member = ""
            }
        case .syncing(let ticket):
            guard let answer = world.synced(ticket) else { return }
            clients[index].stage = answer.errorCode == 0 ? .member : .outside
            if answer.errorCode == 0 { owns(index, answer.assignment.array) }
        case .member:
            let code = try world.heartbeat(
                client.member, generation: client.generation, instance: client.instance)
            if code == 0 { return }
            clients[index].stage = .outside
            if code != ErrorCode.rebalanceInProgress.rawValue { clients[index].member = "" }
        }
    }

    private mutating func entered(_ index: Int, _ answer: JoinGroupResponse) {
        clients[index].member = answer.memberId
        clients[index].generation = answer.generationId
        var parts: [String: [UInt8]] = [:]
        if !answer.members.isEmpty && !answer.skipAssignment {
            // Four partitions, dealt out.
            for partition in 0..<4 as Range<UInt8> {
                let owner = answer.members[Int(partition) % answer.members.count].memberId
                parts[owner, default: []].append(partition)
            }
        }
        clients[index].stage = .syncing(
            world.sync(
                answer.memberId, generation: answer.generationId, assigning: parts,
                instance: clients[index].instance))
    }

    private mutating func owns(_ index: Int, _ part: [UInt8]) {
        let (member, generation) = (clients[index].member, clients[index].generation)
        clients[index].part = part
        for partition in part {
            let owner = owners[generation, default: [:]].updateValue(member, forKey: partition)
            // The same instance under a new id goes on with its part.
            let isSame =
                owner == nil || owner == member
                || clients[index].instance.map { owner?.hasPrefix("\($0)-") == true } == true
            #expect(isSame, "partition \(partition) has two owners in generation \(generation)")
        }
    }

    private mutating func leave(_ index: Int) throws {
        guard case .member = clients[index].stage else { return }
        _ = try world.leave([(clients[index].member, clients[index].instance)])
        clients[index] = Client(instance: clients[index].instance)
    }

    private mutating func commit(_ index: Int) throws {
        let client = clients[index]
        guard case .member = client.stage else { return }
        let next = highestCommit + 1
        let codes = try world.commit(
            [("t", 0, next)], member: client.member, generation: client.generation
        ) { $0.groupInstanceId = client.instance }
        if codes == [0] { highestCommit = next }
        #expect(try world.offset() == highestCommit)
    }

    /// A commit under another generation or id never counts.
    private mutating func commitAsAnother(_ index: Int) throws {
        let client = clients[index]
        guard case .member = client.stage else { return }
        let codes = [
            try world.commit(
                [("t", 0, 0)], member: client.member, generation: client.generation - 1),
            try world.commit([("t", 0, 0)], member: "\(client.member)x", generation: 1),
        ]
        #expect(codes.allSatisfy { $0 != [0] })
        #expect(try world.offset() == highestCommit)
    }

    mutating func check() throws {
        let described = try world.describe()
        if described.groupState == "Stable" {
            let all = described.members.flatMap(\.memberAssignment.array)
            #expect(all.count == Set(all).count, "two members own one partition")
        }
        #expect(bytes(of: try world.reader()) == bytes(of: world.shard))
    }

    /// Lets the clients do what is right until nothing changes any more.
    mutating func settle() throws {
        for _ in 0..<400 {
            for index in clients.indices { try advance(index) }
            world.pass(milliseconds: 300)
        }
    }
}

@Suite("Whatever clients of a group do") struct GroupPropertyTests {
    @Test(
        "a partition has one owner a generation, fenced commits are refused, and the log tells all",
        arguments: 1...20 as ClosedRange<UInt64>)
    func anyOrder(seed: UInt64) throws {
        var crowd = Crowd(seed: seed)
        for step in 0..<400 {
            try crowd.act()
            if step % 10 == 0 { try crowd.check() }
        }
        try crowd.settle()
        try crowd.check()
        let described = try crowd.world.describe()
        #expect(described.groupState == "Stable", "the group does not settle")
        #expect(described.members.count == crowd.clients.count)
        #expect(Set(described.members.flatMap(\.memberAssignment.array)).count == 4)
    }
}
