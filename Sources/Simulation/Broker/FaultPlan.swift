/// What goes wrong in a run, and how often: the seed's character.
struct FaultPlan {
    enum Fault: CaseIterable {
        case cutLink
        case processDeath
        case powerLoss
        case restart
        case clockJump
        case weather
        case fullDisk
        case failingSync
        case slowDisk

        fileprivate var usualWeight: Int {
            switch self {
            case .cutLink: 8
            case .processDeath, .powerLoss: 3
            case .restart, .weather: 2
            case .clockJump, .fullDisk, .failingSync, .slowDisk: 1
            }
        }
    }

    /// Milliseconds from one fault to the next.
    let pace: ClosedRange<Int64>
    /// How long things go wrong, in milliseconds.
    let duration: Int64
    private let weights: [(fault: Fault, weight: Int)]

    init(_ random: inout SeededRandom) {
        pace = random.chance(3) ? 100...1500 : 500...8000
        duration = Int64(15_000 + random.below(45_000))
        var weights: [(Fault, Int)] = []
        for fault in Fault.allCases {
            // Each seed goes without some faults, so that others get room.
            weights.append((fault, random.chance(3) ? 0 : fault.usualWeight))
        }
        self.weights = weights
    }

    func next(_ random: inout SeededRandom) -> Fault? {
        let total = weights.reduce(0) { $0 + $1.weight }
        if total == 0 { return nil }
        var place = random.below(total)
        for (fault, weight) in weights {
            if place < weight { return fault }
            place -= weight
        }
        return nil
    }
}
