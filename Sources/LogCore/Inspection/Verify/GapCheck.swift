internal import Primitives

/// Judges offsets that no batch has. Compaction leaves such gaps anywhere; in a log that it never
/// touched they are records that are gone.
///
/// Whether compaction has been at work is known from the cleaner's checkpoint and the topic's name,
/// or seen in a batch with fewer records than offsets, wherever in the log that is. So gaps are
/// kept, at most 100, until the whole log was seen.
struct GapCheck {
    private struct Gap {
        let file: String
        let position: Int
        let expected: Offset
        let found: Offset
    }

    private static let limit = 100
    private let findings: FindingList
    private var isCompacted: Bool
    private var gaps: [Gap] = []

    init(_ findings: FindingList, isCompacted: Bool) {
        self.findings = findings
        self.isCompacted = isCompacted
    }

    mutating func noteCompaction() { isCompacted = true }

    mutating func note(_ file: String, at position: Int, expected: Offset, found: Offset) {
        if isCompacted || gaps.count >= Self.limit { return }
        gaps.append(Gap(file: file, position: position, expected: expected, found: found))
    }

    func finish() {
        if isCompacted { return }
        for gap in gaps {
            findings.add(
                gap.file, at: gap.position, offset: gap.expected,
                "offset \(gap.found) where \(gap.expected) is expected, in a log that shows no "
                    + "sign of compaction")
        }
    }
}
