internal import Primitives
internal import RecordFormat

/// Checks the files beside the segments.
struct SmallFileCheck {
    let files: any FileSystem
    let findings: FindingList

    private static let textLimit = 1 << 20

    /// A `.snapshot` file: its checksum, and that it speaks of nothing behind its own offset.
    ///
    /// - Parameter logEnd: nil where the log is not known.
    func snapshot(_ path: String, at offset: Offset, logEnd: Offset?) throws(FileError) {
        // It is synced with the records before it.
        let covered = max(offset.advanced(by: -1), .zero)
        guard let bytes = try content(path, limit: ProducerSnapshot.sizeLimit) else { return }
        do throws(DecodeError) {
            for (id, entry) in try ProducerSnapshot.decode(bytes) {
                let last = entry.batches.last?.lastOffset ?? .none
                if max(last, entry.transactionStart ?? .none) >= offset {
                    findings.add(
                        path, at: nil, offset: covered,
                        "producer \(id) at offset \(last) in a snapshot of offset \(offset)")
                    return
                }
            }
        } catch {
            findings.add(
                path, at: error.position, offset: covered, isTail: true, error.description)
            return
        }
        if let logEnd, offset > logEnd {
            findings.add(
                path, at: nil, offset: logEnd, isTail: true,
                "a snapshot of offset \(offset), the log ends at \(logEnd)")
        }
    }

    /// A snapshot of the metadata log: whole batches, the last of them with the footer.
    func metadataSnapshot(_ path: String, _ decompressionLimit: Int) throws(FileError) {
        var reader = try WholeBatchReader(path, files: files)
        var expected = Offset.zero
        var hasFooter = false
        while true {
            switch try reader.next() {
            case .end:
                if !hasFooter {
                    findings.add(
                        Finding(.damaged, path, at: reader.size, "the footer is missing"))
                }
                return
            case .damage(let damage):
                findings.add(Finding(.damaged, path, at: damage.position, damage.reason))
                return
            case .batch(let batch, let position):
                hasFooter = false
                if batch.header.baseOffset < expected {
                    findings.add(
                        Finding(
                            .damaged, path, at: position, offset: batch.header.baseOffset,
                            "a batch at offset \(batch.header.baseOffset), at least \(expected) "
                                + "expected"))
                }
                expected = batch.header.nextOffset
                do throws(BatchError) {
                    var records = try batch.records(decompressionLimit: decompressionLimit)
                    while let record = try records.next() {
                        if batch.header.attributes.isControl {
                            hasFooter = (try? ControlRecord(record)) == .snapshotFooter
                        }
                    }
                } catch {
                    findings.add(
                        Finding(
                            .damaged, path, at: position, offset: batch.header.baseOffset,
                            error.description))
                }
            }
        }
    }

    func partitionMetadata(_ path: String) throws(FileError) {
        guard let bytes = try content(path, limit: Self.textLimit) else { return }
        do throws(LogError) {
            _ = try PartitionMetadata.decode(bytes, file: path)
        } catch {
            findings.add(Finding(damage: error))
        }
    }

    /// A file that is text, and begins in a known way.
    func text(_ path: String, beginningWith start: String) throws(FileError) {
        guard let bytes = try content(path, limit: Self.textLimit) else { return }
        if bytes.text?.hasPrefix(start) == true { return }
        findings.add(Finding(.damaged, path, at: 1, "text beginning with \"\(start)\" expected"))
    }

    /// nil for a file that went away meanwhile.
    private func content(_ path: String, limit: Int) throws(FileError) -> Bytes? {
        do { return try files.readAll(path, limit: limit) } catch {
            if error.isMissing { return nil }
            throw error
        }
    }
}
