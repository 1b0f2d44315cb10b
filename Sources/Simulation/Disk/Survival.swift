/// A change that no sync has covered, as far as its fate hangs on it.
package struct UnsyncedChange: Sendable {
    package enum Kind: Sendable, Equatable {
        /// Of so many bytes.
        case write(count: Int)
        case resize
        case entry
    }

    package let number: Int
    package let kind: Kind
}

/// What a loss of power makes of a change that was not synced.
package enum Fate: Sendable, Equatable {
    case kept
    case lost
    /// The first bytes of a write arrived. With `extended` the file has its size nevertheless, with
    /// zeros, or what was there before, in place of the rest.
    case prefix(Int, extended: Bool)
    /// Each 512-byte sector of a write arrived or did not, as the seed says; the size did.
    case sectors(seed: UInt64)
}

/// Which of the changes that were not synced survive a loss of power.
package enum Survival: Sendable, Equatable, CustomStringConvertible {
    /// The process dies alone: nothing is lost, and what was unsynced still is.
    case processDeath
    case nothing
    case everything
    /// Names, but nothing of what was written since the last sync.
    case names
    /// What was written, but no name.
    case contents
    /// All but one: a later change survives an earlier one.
    case without(Int)
    case only(Int)
    /// All before that write, and the first bytes of it.
    case torn(Int, bytes: Int, extended: Bool)
    /// Each change by itself.
    case random(seed: UInt64)

    package func fate(of change: UnsyncedChange) -> Fate {
        switch self {
        case .nothing: return .lost
        case .everything, .processDeath: return .kept
        case .names: return change.kind == .entry ? .kept : .lost
        case .contents: return change.kind == .entry ? .lost : .kept
        case .without(let number): return change.number == number ? .lost : .kept
        case .only(let number): return change.number == number ? .kept : .lost
        case .torn(let number, let bytes, let extended):
            if change.number < number { return .kept }
            return change.number == number ? .prefix(bytes, extended: extended) : .lost
        case .random(let seed): return Self.randomFate(of: change, seed: seed)
        }
    }

    /// The seed gives the loss its character (how much is lost, how much is torn, whether names go
    /// with contents); the change's number what becomes of it.
    private static func randomFate(of change: UnsyncedChange, seed: UInt64) -> Fate {
        var character = SeededRandom(seed: seed)
        let lossPercent = [0, 10, 30, 50, 80, 100][character.below(6)]
        let namePercent = character.chance(2) ? lossPercent : [0, 30, 100][character.below(3)]
        let tearPercent = [0, 0, 20, 60][character.below(4)]
        var random = SeededRandom(seed: seed ^ UInt64(change.number) &* 0xd6e8_feb8_6659_fd93)
        if change.kind == .entry {
            return random.below(100) < namePercent ? .lost : .kept
        }
        if case .write(let count) = change.kind, random.below(100) < tearPercent {
            switch random.below(4) {
            case 0: return .sectors(seed: random.next())
            case 1: return .prefix(0, extended: true)
            case 2: return .prefix(random.below(count + 1), extended: true)
            default: return .prefix(random.below(count + 1), extended: false)
            }
        }
        return random.below(100) < lossPercent ? .lost : .kept
    }

    /// All that is tried of a cut at which `changes` are unsynced: everything, nothing, each change
    /// alone lost and alone kept, the last write torn.
    package static func all(of changes: [UnsyncedChange]) -> [Survival] {
        if changes.isEmpty { return [.nothing, .processDeath] }
        var choices: [Survival] = [.nothing, .everything, .processDeath, .names, .contents]
        for change in changes {
            choices.append(.without(change.number))
            choices.append(.only(change.number))
        }
        return choices + torn(changes)
    }

    /// One choice for each cut, another one from cut to cut; every third is that nothing survives.
    package static func one(of changes: [UnsyncedChange], cut: Int) -> Survival {
        let all = all(of: changes)
        return cut % 3 == 0 ? .nothing : all[cut &* 7 % all.count]
    }

    private static func torn(_ changes: [UnsyncedChange]) -> [Survival] {
        for change in changes.reversed() {
            guard case .write(let count) = change.kind else { continue }
            return [
                .torn(change.number, bytes: 0, extended: true),
                .torn(change.number, bytes: 1, extended: false),
                .torn(change.number, bytes: count / 2, extended: false),
                .torn(change.number, bytes: count / 2, extended: true),
                .torn(change.number, bytes: count - 1, extended: false),
            ]
        }
        return []
    }

    package var description: String {
        switch self {
        case .processDeath: "the process dies alone"
        case .nothing: "nothing unsynced survives"
        case .everything: "everything survives"
        case .names: "names survive, contents do not"
        case .contents: "contents survive, names do not"
        case .without(let number): "all but change \(number) survive"
        case .only(let number): "of the unsynced only change \(number) survives"
        case .torn(let number, let bytes, let extended):
            "change \(number) is cut after \(bytes) bytes\(extended ? ", its size is not" : "")"
        case .random(let seed): "survival of seed \(seed)"
        }
    }
}
