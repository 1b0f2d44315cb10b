/// Why a log may lose its beginning while all is well.
enum Trimming: Equatable, Sendable {
    case never
    /// Where somebody asks for it (DeleteRecords).
    case onRequest
    /// So many bytes are kept at least (`retention.bytes`).
    case bySize(Int)
}

/// Where a partition's log begins, as clients were told, and how far it may have got.
///
/// It does not go back in a life of the broker, which a clean stop does not end. A crash takes it back
/// to what was checkpointed before, as with Kafka.
struct LogStart {
    /// What was known when a question was sent.
    struct Moment {
        fileprivate let life: Int
        fileprivate let known: Int64
    }

    let trimming: Trimming
    private var life = 0
    private var known: Int64 = 0
    /// Known to be on the disk.
    private var kept: Int64 = 0
    /// Behind all that somebody has asked to delete.
    private var farthest: Int64 = 0
    /// Requests to delete everything that are not answered, or never will be.
    private var openRequests = 0

    init(_ trimming: Trimming) { self.trimming = trimming }

    /// The log begins here at the latest.
    var limit: Int64 {
        switch trimming {
        case .never: 0
        case .onRequest: openRequests > 0 ? .max : farthest
        case .bySize: .max
        }
    }

    mutating func moment(in life: Int) -> Moment {
        enter(life)
        return Moment(life: life, known: known)
    }

    /// Somebody is about to ask for everything below `offset` to be deleted; everything there is
    /// where that is -1.
    mutating func willBeAsked(for offset: Int64) {
        farthest = max(farthest, offset)
        if offset == -1 { openRequests += 1 }
    }

    /// That was answered with where the log begins now; nil where nothing was done.
    mutating func wasAsked(for offset: Int64, begins: Int64?) {
        guard offset == -1 else { return }
        openRequests -= 1
        if let begins { farthest = max(farthest, begins) }
    }

    /// What is known is on the disk.
    mutating func isKept(in life: Int) {
        enter(life)
        kept = known
    }

    /// Somebody was told where the log begins. Returns what is wrong with that.
    mutating func told(_ offset: Int64, asked: Moment, life: Int) -> String? {
        enter(life)
        // An answer of a broker that has crashed since.
        if asked.life != life { return nil }
        if offset > limit { return "begins at \(offset), nobody may delete beyond \(limit)" }
        if offset < asked.known {
            return "begins at \(offset), its start goes back from \(asked.known)"
        }
        known = max(known, offset)
        return nil
    }

    private mutating func enter(_ life: Int) {
        if life == self.life { return }
        (self.life, known) = (life, kept)
    }
}
