internal import Primitives

/// The file `apus-topics` in a store's directory: which topics the store has made, with their
/// settings. Kafka and `brokerd` pass it over.
///
///     apus-topics 1
///     live orders 4f0Yg8mRTvGv8vS8g7x0Lw 4 cleanup.policy=delete segment.bytes=268435456 …
///
/// A line a topic, by name: state, name, id, number of partitions, settings. The file is replaced
/// durably, and always before the directories follow:
///
/// - A topic is made by a line `creating`, then its directories, then the line `live`. A crash in
///   between leaves some of the directories; the next opening makes the rest.
/// - A topic is deleted by a line `deleting`, then its directories go, then the line. A crash in
///   between leaves some of the directories; the next opening removes the rest.
///
/// Topics that have directories and no line were made by Kafka or `brokerd`; they have default
/// settings. A topic whose directories have another id than its line was made anew by one of those,
/// so the line no longer counts.
struct TopicCatalog: Sendable, Equatable {
    enum State: String, Sendable {
        case creating
        case live
        case deleting
    }

    struct Entry: Sendable, Equatable {
        var state: State
        let name: String
        let id: TopicID
        let partitions: Int
        var settings: TopicSettings
    }

    static let fileName = "apus-topics"
    private static let head = "apus-topics 1"
    /// A file above this is not read.
    private static let sizeLimit = 64 << 20

    /// Ascending by name, no name twice.
    private(set) var entries: [Entry] = []

    subscript(name: String) -> Entry? {
        get { entries.first { $0.name == name } }
        set {
            entries.removeAll { $0.name == name }
            guard let newValue else { return }
            let place = entries.firstIndex { $0.name > name } ?? entries.count
            entries.insert(newValue, at: place)
        }
    }

    // MARK: The file

    private init() {}

    /// What the file in `directory` says; nothing when there is none.
    static func read(
        in directory: String, _ files: any FileSystem
    ) throws(LogStoreError) -> TopicCatalog {
        let path = directory + "/" + fileName
        let bytes: Bytes
        do throws(FileError) {
            guard try files.attributes(path) != nil else { return TopicCatalog() }
            bytes = try files.readAll(path, limit: sizeLimit)
        } catch {
            throw LogStoreError(error)
        }
        return try TopicCatalog(decoding: bytes, file: path)
    }

    init(decoding bytes: Bytes, file: String) throws(LogStoreError) {
        var lines = (bytes.text ?? "").split(separator: "\n")[...]
        guard lines.popFirst() == Self.head[...] else {
            throw .damaged(file: file, position: 0, reason: "\"\(Self.head)\" expected")
        }
        for (number, line) in lines.enumerated() {
            do throws(LogStoreError) {
                let entry = try Entry(line)
                guard entries.last.map({ $0.name < entry.name }) ?? true else {
                    throw .invalidSettings("topics are not in the order of their names")
                }
                entries.append(entry)
            } catch {
                throw .damaged(
                    file: file, position: number + 1, reason: "line \(number + 2): \(error)")
            }
        }
    }

    /// Replaces the file. On return it is on disk.
    func write(in directory: String, _ files: any FileSystem) throws(FileError) {
        try files.replaceDurably(
            directory + "/" + Self.fileName, with: encoded, directory: directory)
    }

    var encoded: Bytes {
        let lines = entries.map { entry in
            let words = [entry.state.rawValue, entry.name, "\(entry.id)", "\(entry.partitions)"]
            return (words + entry.settings.words).joined(separator: " ")
        }
        return Bytes(([Self.head] + lines).map { $0 + "\n" }.joined())
    }
}

extension TopicCatalog.Entry {
    init(_ line: Substring) throws(LogStoreError) {
        let words = line.split(separator: " ")
        guard words.count >= 4, let state = TopicCatalog.State(rawValue: String(words[0])),
            PartitionDirectoryName.isTopicName(words[1]), let id = TopicID(words[2]),
            let partitions = Int(words[3]), LogStore.partitionCounts.contains(partitions)
        else { throw .invalidSettings("not a state, a name, an id and a number of partitions") }
        self.init(
            state: state, name: String(words[1]), id: id, partitions: partitions,
            settings: try TopicSettings(words: words[4...]))
    }
}
