import Simulation
import Testing

@Suite("Logs and a model of them")
struct ModelTests {
    @Test(
        "random operations leave a log as the model says",
        arguments: 1...8 as ClosedRange<UInt64>)
    func agrees(seed: UInt64) throws {
        let round = ModelRound(seed: seed)
        try round.run()
        #expect(round.trace.count == ModelRound.operations)
    }

    /// Open transactions and producers that a start forgot, or remembered too long, behind
    /// retention and cleaning.
    @Test("seeds that found a difference find none", arguments: [555, 9735] as [UInt64])
    func regression(seed: UInt64) throws {
        try ModelRound(seed: seed).run()
    }

    @Test("a model that is wrong is found out", arguments: ModelMistake.allCases)
    func mistake(_ mistake: ModelMistake) {
        #expect(throws: Violation.self) {
            try ModelRound(seed: 1, mistake: mistake).run()
        }
    }
}
