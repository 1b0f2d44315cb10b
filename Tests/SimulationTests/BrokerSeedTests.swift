import Simulation
import Synchronization
import Testing

@Suite("The server in the simulator")
struct BrokerSeedTests {
    @Test("what clients are promised is kept, whatever goes wrong", arguments: 1...3)
    func legal(seed: UInt64) throws {
        let outcome = try BrokerSeed(seed: seed).run()
        #expect(outcome.batches > 0)
    }

    @Test("a seed does the same again, to the last line of its trace", arguments: [3])
    func repeatable(seed: UInt64) throws {
        let first = try traced(seed)
        let second = try traced(seed)
        #expect(first.fingerprint == second.fingerprint)
        let difference = zip(first.lines, second.lines).first { $0 != $1 }
        #expect(difference == nil)
        #expect(first.lines.count == second.lines.count)
    }

    private func traced(_ seed: UInt64) throws -> (fingerprint: UInt64, lines: [String]) {
        let lines = Mutex<[String]>([])
        let outcome = try BrokerSeed(seed: seed) { line in lines.withLock { $0.append(line) } }
            .run()
        return (outcome.fingerprint, lines.withLock { $0 })
    }

    /// What was acknowledged is gone, or is something else.
    private static let changed = ["acknowledged at offset", ", now it is"]

    /// What of a broken server is noticed, one of these, and a seed that is quick to find it.
    private static func symptoms(of sabotage: Sabotage) -> (words: [String], seed: UInt64) {
        switch sabotage {
        case .none: ([], 1)
        case .skippedSync: (changed, 3)
        case .unprovenRecovery: (["CRC", "magic"] + changed, 50)
        case .damagedLog: (["CRC", "has a gap", "is out of range"] + changed, 3)
        case .forgottenProducers: (["is there twice"], 4)
        case .forgottenStart: (["its start goes back"], 1)
        case .greedyDeletion: (["nobody may delete beyond", "are not deleted"], 1)
        case .greedyRetention: (["are to be kept"], 1)
        case .emptyPromise: (["every client gets on", "reaches the end"], 1)
        case .staleShare: (["settles"], 2)
        case .lostWakeUp, .lostTimer, .swallowedRequest:
            (["is not answered within", "an answer to request"], 2)
        case .earlyAcknowledgement: (changed, 2)
        case .highWatermarkAhead: (["high watermark"], 5)
        case .shiftedFetch: (["has a gap", "out of range"], 2)
        case .sleepyLongPoll: (["a long poll sleeps on"], 2)
        case .twoOwners: (["belongs to"], 1)
        case .twoHolders: (["still has it"], 1)
        case .staleOffsets: (["goes back"], 1)
        case .unfencedCommit: (["a fenced member's commit is accepted"], 110)
        }
    }

    @Test(
        "a broken server is found out, by what is wrong with it",
        arguments: Sabotage.allCases.filter { $0 != .none })
    func sabotage(_ sabotage: Sabotage) {
        let (words, first) = Self.symptoms(of: sabotage)
        var found: [String] = []
        // Mostly the first of them finds it; the code may change under the seeds.
        for seed in first..<first + 20 {
            do throws(Violation) {
                _ = try BrokerSeed(seed: seed, sabotage: sabotage).run()
            } catch {
                found.append("\(error)")
                if words.contains(where: { "\(error)".contains($0) }) { return }
            }
        }
        Issue.record("\(sabotage) passes 20 seeds; found was only \(found)")
    }
}
