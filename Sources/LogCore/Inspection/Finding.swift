package import Primitives

/// Something in a log's files that is not as it should be, and where.
package struct Finding: Sendable, Equatable, CustomStringConvertible {
    /// - `damaged`: what had been synced is wrong or gone, so that records, or what is known about
    ///   them, may be lost; recovery refuses it, or would go on with less.
    /// - `unclean`: what a crash leaves, or a running broker has not finished. Recovery cuts,
    ///   completes or makes anew, and loses nothing that had been synced.
    ///
    /// Which of the two a bad place is follows from `Trust`: with the clean-stop marker everything
    /// is damage; without it what lies below the log's recovery point.
    package enum Severity: Int, Sendable, Comparable {
        case unclean, damaged
        package static func < (left: Severity, right: Severity) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    package let severity: Severity
    package let file: String
    /// In bytes; for a text file the line, counted from 1. nil where the whole file is meant.
    package let position: Int?
    /// The record, or the first of those, that it is about.
    package let offset: Offset?
    /// What was found and what was expected.
    package let reason: String

    init(
        _ severity: Severity, _ file: String, at position: Int? = nil, offset: Offset? = nil,
        _ reason: String
    ) {
        self.severity = severity
        self.file = file
        self.position = position
        self.offset = offset
        self.reason = reason
    }

    /// A small file that is replaced in one step, so that no crash leaves half of it.
    init(damage error: LogError) {
        guard case .corrupt(let file, let line, let reason) = error else {
            self.init(.damaged, "", error.description)
            return
        }
        self.init(.damaged, file, at: line + 1, reason)
    }

    package var description: String {
        var place = file
        if let position { place += " at position \(position)" }
        if let offset { place += ", offset \(offset)" }
        return "\(severity): \(place): \(reason)"
    }
}

/// Collects what is found in one log.
///
/// Bound: 1,000 findings; beyond it they are only counted, but the first that is worse than all
/// before it takes the last one's place. Used by one thread.
final class FindingList {
    static let limit = 1000
    let trust: Trust
    private(set) var findings: [Finding] = []
    /// What did not fit.
    private(set) var omitted = 0
    private var worst: Finding.Severity?

    init(_ trust: Trust) { self.trust = trust }

    func add(_ finding: Finding) {
        let isWorse = worst.map { finding.severity > $0 } ?? true
        if isWorse { worst = finding.severity }
        if findings.count < Self.limit { return findings.append(finding) }
        omitted += 1
        if isWorse { findings[Self.limit - 1] = finding }
    }

    /// Adds bytes behind an index's entries: a crash leaves them at any offset, a clean stop never,
    /// and nobody reads them.
    func addUnused(_ bytes: Int, _ file: String, at position: Int) {
        add(
            Finding(
                trust == .cleanlyStopped ? .damaged : .unclean, file, at: position,
                "\(bytes) bytes behind the last entry are not in use"))
    }

    /// The findings in segments first, in their order: what is wrong elsewhere follows from them
    /// more often than not.
    var sorted: [Finding] {
        let isSegment = { (finding: Finding) in
            InspectedFile(path: finding.file)?.kind == .segment
        }
        let inSegments = findings.filter(isSegment).sorted {
            ($0.file, $0.position ?? 0) < ($1.file, $1.position ?? 0)
        }
        return inSegments + findings.filter { !isSegment($0) }
    }

    /// Adds a finding whose severity follows from where it is.
    func add(
        _ file: String, at position: Int?, offset: Offset, isTail: Bool = false, _ reason: String
    ) {
        add(
            Finding(
                trust.severity(at: offset, isTail: isTail), file, at: position, offset: offset,
                reason))
    }
}
