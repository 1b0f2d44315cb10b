internal import Primitives

/// Kafka's text checkpoints: a version (0), the number of lines, the lines.
enum CheckpointText {
    /// Files above this are not read.
    static let sizeLimit = 64 << 20

    static func encode(_ lines: [String]) -> Bytes {
        var text = "0\n\(lines.count)\n"
        for line in lines { text += line + "\n" }
        return Bytes(text)
    }

    /// The lines behind the head, each split at spaces.
    static func decode(
        _ bytes: Bytes, fields: Int, file: String
    ) throws(LogError) -> [[Substring]] {
        func damaged(_ line: Int, _ reason: String) -> LogError {
            .corrupt(file: file, position: line, reason: "line \(line + 1): \(reason)")
        }
        guard let text = bytes.text else { throw damaged(0, "not text") }
        // By bytes: a character of a string costs several times as much, and there may be a line for
        // each of many thousand partitions.
        let lines = text.utf8.split(separator: UInt8(ascii: "\n")).map { Substring($0) }
        // Kafka makes the file empty and fills it when it first has something to say.
        guard let version = lines.first else { return [] }
        guard version == "0" else { throw damaged(0, "version \(version), 0 expected") }
        guard lines.count > 1, let count = Int(lines[1]), count == lines.count - 2 else {
            throw damaged(1, "\(max(lines.count - 2, 0)) lines follow, not as many as it says")
        }
        var entries: [[Substring]] = []
        entries.reserveCapacity(count)
        for (number, line) in lines.enumerated().dropFirst(2) {
            let parts = line.utf8.split(separator: UInt8(ascii: " ")).map { Substring($0) }
            guard parts.count == fields else {
                throw damaged(number, "\(parts.count) fields, \(fields) expected")
            }
            entries.append(parts)
        }
        return entries
    }
}

/// A file of the log directory with an offset for each partition.
enum OffsetCheckpoint: String {
    case recoveryPoint = "recovery-point-offset-checkpoint"
    case logStart = "log-start-offset-checkpoint"
    case highWatermark = "replication-offset-checkpoint"
    /// Up to where a compacted log has been cleaned.
    case cleaner = "cleaner-offset-checkpoint"

    static func encode(_ offsets: [(TopicPartition, Offset)]) -> Bytes {
        CheckpointText.encode(offsets.map { "\($0.0.topic) \($0.0.partition) \($0.1)" })
    }

    static func decode(
        _ bytes: Bytes, file: String
    ) throws(LogError) -> [TopicPartition: Offset] {
        var offsets: [TopicPartition: Offset] = [:]
        let entries = try CheckpointText.decode(bytes, fields: 3, file: file)
        for (number, parts) in entries.enumerated() {
            guard let partition = Int32(parts[1]), partition >= 0,
                let offset = Int64(parts[2]).map(Offset.init(rawValue:)),
                offset >= .zero, offset <= .largestBase
            else {
                throw .corrupt(
                    file: file, position: number + 2,
                    reason: "line \(number + 3): not a partition and an offset")
            }
            let key = TopicPartition(topic: String(parts[0]), partition: .init(partition))
            offsets[key] = offset
        }
        return offsets
    }

    /// What the file in `directory` says; empty when there is none.
    func read(
        in directory: String, _ context: DirectoryContext
    ) throws(LogError) -> [TopicPartition: Offset] {
        let path = directory + "/" + rawValue
        let bytes = try context.reading { () throws(FileError) -> Bytes? in
            if try context.files.attributes(path) == nil { return nil }
            return try context.files.readAll(path, limit: CheckpointText.sizeLimit)
        }
        guard let bytes else { return [:] }
        return try Self.decode(bytes, file: path)
    }

    func write(
        _ offsets: [(TopicPartition, Offset)], in directory: String, _ context: DirectoryContext
    ) throws(LogError) {
        try context.writing { () throws(FileError) in
            try context.files.replaceDurably(
                directory + "/" + rawValue, with: Self.encode(offsets), directory: directory)
        }
    }
}

/// `leader-epoch-checkpoint` of a partition: a line `epoch start-offset` for each reign.
enum LeaderEpochCheckpoint {
    static let fileName = "leader-epoch-checkpoint"

    static func encode(_ entries: [LeaderEpochs.Entry]) -> Bytes {
        CheckpointText.encode(entries.map { "\($0.epoch) \($0.start)" })
    }

    static func decode(_ bytes: Bytes, file: String) throws(LogError) -> [LeaderEpochs.Entry] {
        var entries: [LeaderEpochs.Entry] = []
        for (number, parts) in try CheckpointText.decode(bytes, fields: 2, file: file).enumerated()
        {
            guard let epoch = Int32(parts[0]), let start = Int64(parts[1]), epoch >= 0, start >= 0
            else {
                throw .corrupt(
                    file: file, position: number + 2,
                    reason: "line \(number + 3): not an epoch and an offset")
            }
            entries.append(LeaderEpochs.Entry(epoch: LeaderEpoch(epoch), start: Offset(start)))
        }
        return entries
    }
}

/// `partition.metadata`: which topic the partition's directory belongs to.
enum PartitionMetadata {
    static let fileName = "partition.metadata"

    static func encode(_ topic: TopicID) -> Bytes { Bytes("version: 0\ntopic_id: \(topic)") }

    static func decode(_ bytes: Bytes, file: String) throws(LogError) -> TopicID {
        guard let text = bytes.text else {
            throw .corrupt(file: file, position: 0, reason: "not text")
        }
        var version: Substring?
        var topic: TopicID?
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            switch line[..<colon] {
            case "version": version = value
            case "topic_id": topic = TopicID(value)
            default: break
            }
        }
        guard version == "0", let topic else {
            throw .corrupt(
                file: file, position: 0,
                reason: "lines \"version: 0\" and \"topic_id: <22 characters>\" expected")
        }
        return topic
    }
}
