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
            do {
                try schedule.trial(cut, .one(of: cut.disk.unsynced, cut: cut.change))
            } catch {
                failures.append(error.description)
            }
        }
        let told = failures.prefix(3).joined(separator: "\n")
        #expect(failures.isEmpty, "\(failures.count): \(told)")
    }

    @Test(
        "random lives of a log keep what they were promised",
        arguments: 1...40 as ClosedRange<UInt64>)
    func seeds(seed: UInt64) throws {
        var run = LogSeed(seed: seed)
        try run.run()
    }
}

@Suite("Disks that lie are found out")
struct DefectTests {
    @Test(
        "a lie breaks a promise within a few seeds",
        arguments: [
            .fileSyncIsIgnored, .directorySyncIsIgnored, .readsLieAfterLoss,
        ] as [DiskDefects])
    func found(defect: DiskDefects) {
        let isFound = (1...200 as ClosedRange<UInt64>).contains { seed in
            var run = LogSeed(seed: seed, defects: defect)
            do {
                try run.run()
                return false
            } catch {
                return true
            }
        }
        #expect(isFound)
    }

    @Test("a rename in two steps loses a log's start")
    func renameInTwoSteps() throws {
        let schedule = try #require(LogSchedule.all.first { $0.name == "delete-records" })
        let isFound = try schedule.cuts(defects: .renameIsTwoSteps).contains { cut in
            guard let last = cut.disk.unsynced.last else { return false }
            do {
                try schedule.trial(cut, .without(last.number))
                return false
            } catch {
                return true
            }
        }
        #expect(isFound)
    }
}
