internal import Primitives
internal import WireProtocol

extension ClassicGroup {
    private var timer: GroupTimer { .rebalance(group: id) }

    /// Something changed: begins a rebalance, or ends the one that runs if it has everyone now.
    mutating func rebalance(_ reason: String, _ step: inout GroupStep) {
        if case .preparing = phase {
            completeJoinIfAllJoined(&step)
        } else {
            prepareRebalance(reason, &step)
        }
    }

    mutating func prepareRebalance(_ reason: String, _ step: inout GroupStep) {
        step.note(.info, "group \(id) rebalances after generation \(generation): \(reason)")
        switch phase {
        case .empty:
            let delay = step.settings.initialRebalanceDelay
            let gathering = Gathering(
                delay: delay, remaining: max(members.rebalanceTimeout - delay, 0))
            wait(.gathering(gathering), milliseconds: delay, &step)
            return
        case .completing: refuseSyncs(.rebalanceInProgress, &step)
        case .preparing, .stable: break
        }
        wait(.rejoining, milliseconds: members.rebalanceTimeout, &step)
        completeJoinIfAllJoined(&step)
    }

    private mutating func wait(
        _ stage: Joining.Stage, milliseconds: Int32, _ step: inout GroupStep
    ) {
        let deadline = step.now.monotonic.adding(milliseconds: Int64(milliseconds))
        enter(.preparing(Joining(stage: stage, deadline: deadline)), step)
        step.setTimer(timer, at: deadline)
    }

    mutating func completeJoinIfAllJoined(_ step: inout GroupStep) {
        guard case .preparing(let joining) = phase, case .rejoining = joining.stage,
            members.haveAllJoined, pending.isEmpty
        else { return }
        completeJoin(&step)
    }

    /// Ends the joining: who is not back is out, apart from static members.
    private mutating func completeJoin(_ step: inout GroupStep) {
        for member in members.inOrder where !member.isStatic {
            if case .join = member.parked { continue }
            step.note(.info, "group \(id): member \(member.id) did not join again and is out")
            drop(member.id, &step)
        }
        if !members.isEmpty && members.joining == 0 {
            // Static members alone, none of which is back: until their sessions end.
            return wait(.rejoining, milliseconds: members.rebalanceTimeout, &step)
        }
        generation = generation == .max ? 1 : generation + 1
        if members.isEmpty {
            becomeEmpty(&step)
        } else {
            beginGeneration(&step)
        }
    }

    private mutating func becomeEmpty(_ step: inout GroupStep) {
        (leader, protocolName) = (nil, nil)
        subscribedTopics = topicsOfMembers()
        enter(.empty, step)
        step.cancelTimer(timer)
        step.note(.info, "group \(id) is empty after generation \(generation)")
        // A group that never became stable has left nothing to correct.
        if logged != nil { step.append([record(assignments: [:])], .upkeep) }
    }

    private mutating func beginGeneration(_ step: inout GroupStep) {
        let all = members.inOrder
        func isJoining(_ member: ClassicMember) -> Bool {
            if case .join = member.parked { true } else { false }
        }
        if leader.flatMap({ members[$0] }).map(isJoining) != true {
            leader = all.first(where: isJoining)?.id
        }
        protocolName = members.chosenProtocol()
        subscribedTopics = topicsOfMembers()
        step.note(.info, "group \(id): generation \(generation) has \(all.count) members")
        for member in all {
            if case .join(let ticket) = members.park(.nothing, of: member.id) {
                step.answer(ticket, .join(joined(member.id)))
            }
            members.update(member.id) { $0.isNew = false }
            keepAlive(member.id, &step)
        }
        let deadline = step.now.monotonic.adding(milliseconds: Int64(members.rebalanceTimeout))
        enter(.completing(Syncing(missing: Set(all.map(\.id)), deadline: deadline)), step)
        step.setTimer(timer, at: deadline)
    }

    /// The time for the phase may be up.
    mutating func rebalanceTimerFired(_ step: inout GroupStep) {
        switch phase {
        case .empty: return
        case .preparing(let joining):
            guard step.now.monotonic >= joining.deadline else { return }
            guard case .gathering(let gathering) = joining.stage, gathering.hasNewcomer,
                gathering.remaining > 0
            else { return completeJoin(&step) }
            let next = Gathering(
                delay: min(step.settings.initialRebalanceDelay, gathering.remaining),
                remaining: max(gathering.remaining - gathering.delay, 0))
            wait(.gathering(next), milliseconds: next.delay, &step)
        case .completing(let syncing), .stable(let syncing):
            guard step.now.monotonic >= syncing.deadline, !syncing.missing.isEmpty else { return }
            for member in syncing.missing.sorted() { drop(member, &step) }
            prepareRebalance("\(syncing.missing.count) members did not sync", &step)
        }
    }
}
