internal import Primitives

extension DiskState {
    /// The changes that a loss of power could take, in order.
    package var unsynced: [UnsyncedChange] {
        var found: [UnsyncedChange] = []
        for file in files.values {
            for entry in file.unsynced {
                found.append(UnsyncedChange(number: entry.number, kind: entry.change.kind))
            }
        }
        for directory in directories.values {
            for entry in directory.unsynced {
                found.append(UnsyncedChange(number: entry.number, kind: .entry))
            }
        }
        // Sorted, so the order of the tables does not show.
        return found.sorted { $0.number < $1.number }
    }

    /// The disk as the next start finds it when the process dies now: files nobody can reach are
    /// gone, the rest is as it was, and as unsynced as it was.
    private func afterProcessDeath() -> DiskState {
        var next = self
        var reachable = Set<Int>()
        for directory in directories.values {
            for node in directory.current.values { reachable.formUnion(node.fileID) }
            for node in directory.durable.values { reachable.formUnion(node.fileID) }
            for entry in directory.unsynced { reachable.formUnion(entry.change.node.fileID) }
        }
        next.files = files.filter { reachable.contains($0.key) }
        for id in next.files.keys { next.files[id]?.handles = 0 }
        return next
    }

    /// The disk as the next start finds it when everything ends now.
    package func after(_ survival: Survival) -> DiskState {
        if survival == .processDeath { return afterProcessDeath() }
        return afterPowerLoss { survival.fate(of: $0) }
    }

    /// As `after`, with any choice of what survives a loss of power.
    package func afterPowerLoss(_ fate: (UnsyncedChange) -> Fate) -> DiskState {
        guard tracksDurability else { return afterProcessDeath() }
        var next = DiskState()
        next.takeOver(self, Self.root, fate)
        return next
    }

    /// Copies what of a directory survives, and what can be reached through it.
    private mutating func takeOver(
        _ old: DiskState, _ id: Int, _ fate: (UnsyncedChange) -> Fate
    ) {
        reserve(id)
        guard let directory = old.directories[id] else { return }
        var names = directory.durable
        var lost = Set<Node>()
        for entry in directory.unsynced {
            let node = entry.change.node
            let change = UnsyncedChange(number: entry.number, kind: .entry)
            if lost.contains(node) || fate(change) == .lost {
                lost.insert(node)
            } else {
                names.apply(entry.change)
            }
        }
        var taken = Directory()
        taken.current = names
        taken.durable = names
        directories[id] = taken
        for node in names.values {
            switch node {
            case .directory(let child): takeOver(old, child, fate)
            case .file(let child):
                guard let file = old.files[child] else { continue }
                reserve(child)
                let content = file.survivingContent(fate)
                var taken = File(modified: file.modified)
                taken.current = content
                taken.durable = content
                files[child] = taken
            }
        }
    }
}

extension DiskState.Node {
    fileprivate var fileID: [Int] {
        if case .file(let id) = self { return [id] }
        return []
    }
}

extension DiskState.FileChange {
    fileprivate var kind: UnsyncedChange.Kind {
        switch self {
        case .write(let bytes, _): .write(count: bytes.count)
        case .resize: .resize
        }
    }
}

extension DiskState.File {
    fileprivate func survivingContent(_ fate: (UnsyncedChange) -> Fate) -> FileContent {
        var content = durable
        for entry in unsynced {
            let change = UnsyncedChange(number: entry.number, kind: entry.change.kind)
            let fate = fate(change)
            if fate == .lost { continue }
            guard case .write(let bytes, let position) = entry.change else {
                content.apply(entry.change)
                continue
            }
            switch fate {
            case .lost: break
            case .kept: content.apply(entry.change)
            case .prefix(let count, let extended):
                content.write(bytes.slice(0..<min(count, bytes.count)), at: position)
                if extended { content.extend(to: position + bytes.count) }
            case .sectors(let seed):
                content.extend(to: position + bytes.count)
                content.writeSectors(of: bytes, at: position, seed: seed)
            }
        }
        return content
    }
}

extension FileContent {
    private static let sectorSize = 512

    fileprivate mutating func extend(to size: Int) {
        if size > self.size { resize(to: size) }
    }

    fileprivate mutating func writeSectors(of bytes: Bytes, at position: Int, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var done = 0
        while done < bytes.count {
            let left = Self.sectorSize - (position + done) % Self.sectorSize
            let part = min(left, bytes.count - done)
            if random.chance(2) {
                write(bytes.slice(done..<done + part), at: position + done)
            }
            done += part
        }
    }
}
