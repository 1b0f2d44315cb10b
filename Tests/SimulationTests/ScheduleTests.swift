import Simulation
import Testing

@Suite("Power lost at every moment")
struct ScheduleTests {
    @Test(
        "each moment of each schedule leaves a legal log with all that was acknowledged",
        arguments: LogSchedule.all.map(\.name))
    func everyCut(name: String) throws {
        let schedule = try #require(LogSchedule.all.first { $0.name == name })
        var failures: [String] = []
        for cut in try schedule.cuts() {
            for survival in Survival.some(of: cut.disk.unsynced, cut: cut.change) {
                do {
                    try schedule.trial(cut, survival)
                } catch {
                    failures.append(error.description)
                }
            }
        }
        #expect(
            failures.isEmpty, "\(failures.count): \(failures.prefix(3).joined(separator: "\n"))")
    }
}
