/// A reader whose position was out of range, until it knows where to go on.
struct Astray {
    let position: Int64
    /// A loss of power may have taken what it had read; otherwise the log begins behind it now.
    fileprivate let isByLoss: Bool
    fileprivate let life: Int
}

/// Where the log begins.
extension PartitionHistory {
    /// A reader was told that its position is out of range.
    func strays(
        _ reader: String, from offset: Int64, reachedIn era: Int, asked: Moment
    ) -> Astray {
        let isByLoss = mayBeOutOfRange(offset, reachedIn: era, asked: asked)
        judge.require(
            isByLoss || offset < start.limit,
            "\(reader): offset \(offset) of \(name) is out of range, though nothing was lost since "
                + "it was reached, and nothing deleted beyond \(start.limit)")
        return Astray(position: offset, isByLoss: isByLoss, life: judge.life)
    }

    /// Such a reader was told where the log begins, and goes on there.
    func returns(_ reader: String, astray: Astray, at offset: Int64, asked: Moment) {
        told(reader, start: offset, asked: asked)
        judge.require(
            astray.isByLoss || astray.life != judge.life || offset > astray.position,
            "\(reader): offset \(astray.position) of \(name) was out of range, though the log "
                + "begins at \(offset)")
    }

    /// Somebody was told where the log begins.
    func told(_ reader: String, start offset: Int64, asked: Moment) {
        if let wrong = start.told(offset, asked: asked.start, life: judge.life) {
            judge.accuse("\(reader): \(name) \(wrong)")
        }
        served()
        if asked.era == era { startOfEra = startOfEra ?? offset }
    }

    /// What is known of the start outlives a crash.
    func startIsKept() { start.isKept(in: judge.life) }
}
