internal import LogCore
internal import Primitives

/// What one loss of power leaves: started, started again, gone on with.
struct CutTrial {
    let cut: Cut
    let survival: Survival
    let configuration: LogConfiguration
    let defects: DiskDefects
    let trace: (any LogSink)?

    func run() throws(Violation) {
        var disk = cut.disk.after(survival)
        if defects.contains(.readsLieAfterLoss) { disk.lie(as: cut.disk) }
        let scene = LogScene(
            disk, ledger: cut.ledger, configuration: configuration,
            seed: UInt64(cut.change), defects: defects, trace: trace)
        try scene.must(scene.open())
        // Recovery told the program what there is: that must be on disk, and need no more mending.
        let found = try observe(scene)
        scene.end(.nothing)
        try scene.must(scene.open(quietly: true))
        try require(observe(scene) == found, "a second start finds something else")
        for (partition, _) in scene.ledger.sorted {
            try scene.must(scene.append(partition, [2]))
            if scene.ledger(partition)?.cleaning != nil { try scene.must(scene.clean(partition)) }
            if cut.change % 2 == 0 { try scene.must(scene.flush(partition)) }
        }
        if cut.change % 2 == 1 { try scene.must(scene.close()) }
        scene.end(.nothing)
        try scene.must(scene.open(quietly: true))
    }

    /// All logs, in their order.
    private func observe(_ scene: LogScene) throws(Violation) -> [ObservedLog] {
        var observed: [ObservedLog] = []
        for (partition, _) in scene.ledger.sorted {
            guard let log = try scene.log(partition) else { continue }
            observed.append(try ObservedLog(reading: log))
        }
        return observed
    }
}
