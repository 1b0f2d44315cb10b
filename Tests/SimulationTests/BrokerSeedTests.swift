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

    @Test(
        "a broken server is found out",
        arguments: Sabotage.allCases.filter { $0 != .none })
    func sabotage(_ sabotage: Sabotage) {
        let limit: UInt64 = 100
        let caught = (1...limit).first { seed in
            do throws(Violation) {
                _ = try BrokerSeed(seed: seed, sabotage: sabotage).run()
                return false
            } catch {
                return true
            }
        }
        #expect(caught != nil, "\(sabotage) passes \(limit) seeds")
    }
}
