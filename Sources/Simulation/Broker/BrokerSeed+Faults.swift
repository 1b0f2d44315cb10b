internal import Primitives

/// What goes wrong, and how the machine and the process come back.
extension BrokerSeed {
    func commit(_ fault: FaultPlan.Fault) {
        scene.trace?(.info, "fault: \(fault)")
        switch fault {
        case .cutLink:
            scene.fabric.cutOne(notices: [.both, .both, .client, .server, []][random.below(5)])
        case .processDeath:
            if broker.hasForgotten { return restartMachine() }
            broker.crash(.processDeath)
            startLater()
        case .powerLoss:
            broker.losePower(afterChanges: 1 + random.below([3, 30, 300][random.below(3)]))
        case .restart: stopAndStart()
        case .clockJump:
            let hours = Int64(random.below(5)) - 2
            scene.agenda.clock.jump(
                milliseconds: hours * 3_600_000 + Int64(random.below(60_000)))
        case .weather:
            var weather = Weather()
            weather.delayedPercent = [0, 2, 30][random.below(3)]
            weather.slowReaderPercent = [0, 10, 60][random.below(3)]
            scene.fabric.weather = weather
        case .fullDisk:
            broker.fill(spare: random.below(5000))
            repairLater(within: 10_000)
        case .slowDisk:
            broker.slowDown()
            repairLater(within: 15_000)
        case .failingSync:
            broker.failSyncs(oneIn: 1 + random.below(10))
            repairLater(within: 5000)
        }
    }

    /// The broker has come to an end by itself.
    func brokerEnded() {
        if broker.hasLostPower { return restartMachine() }
        // It gave up, as its process then does in an orderly way.
        stopAndStart()
    }

    private func stopAndStart() {
        broker.stop()
        // The power may have failed on the way.
        if broker.isUp { return }
        if broker.hasForgotten { return restartMachine() }
        if scene.judge.isPreserved { keepStarts() }
        startLater()
    }

    /// The power is gone, and comes back: nothing that was not on the disk is there any more.
    func restartMachine() {
        losePower()
        startLater()
    }

    func losePower() {
        broker.crash([.nothing, .everything, .random(seed: random.next())][random.below(3)])
        for history in population.topics.flatMap(\.histories) { history.powerLost() }
        for group in population.groups { group.powerLost() }
    }

    private func startLater() {
        let pause = Int64(random.below([50, 1000, 8000][random.below(3)]))
        // Now and then the power fails while it starts.
        let powerLoss = random.chance(6) ? 1 + random.below(150) : nil
        scene.trace?(.info, "the broker starts in \(pause) ms")
        later(pause) { seed in seed.startOrTryAgain(powerLoss) }
    }

    private func startOrTryAgain(_ powerLoss: Int?) {
        if broker.isUp { return }
        broker.start(powerLoss: isHealed ? nil : powerLoss)
        // A disk without room, or one that fails, may not even let it start.
        if broker.isUp { return }
        if broker.hasForgotten { restartMachine() } else { startLater() }
    }

    /// What is wrong with the disk passes; what a failed sync took does not come back.
    private func repairLater(within limit: Int) {
        diskTroubles += 1
        let number = diskTroubles
        later(Int64(random.below(limit))) { seed in
            if seed.diskTroubles != number { return }
            seed.scene.trace?(.info, "the disk is well")
            seed.repair()
        }
    }

    func repair() {
        broker.repair()
        // Who stops it sees to the rest.
        if broker.isStopping { return }
        if broker.hasForgotten { return restartMachine() }
        if broker.mayBeOffline { stopAndStart() }
    }

    private func later(_ milliseconds: Int64, _ body: @escaping @Sendable (BrokerSeed) -> Void) {
        let reference = SeedReference(self)
        scene.agenda.after(milliseconds: milliseconds) {
            if let seed = reference.seed { body(seed) }
        }
    }
}
