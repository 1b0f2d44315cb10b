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

    @Test("a model that is wrong is found out", arguments: ModelMistake.allCases)
    func mistake(_ mistake: ModelMistake) {
        #expect(throws: Violation.self) {
            try ModelRound(seed: 1, mistake: mistake).run()
        }
    }
}
