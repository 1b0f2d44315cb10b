internal import Primitives

/// Why a log directory cannot be used by this node.
enum MetaPropertiesError: Error, Sendable, CustomStringConvertible {
    case file(FileError)
    case damaged(path: String, reason: String)
    case otherNode(path: String, found: BrokerID, expected: BrokerID)
    case otherCluster(path: String, found: String, expected: String)

    var description: String {
        switch self {
        case .file(let error): "\(error)"
        case .damaged(let path, let reason):
            "\(path) is damaged: \(reason); restore it, or move the directory away to start anew"
        case .otherNode(let path, let found, let expected):
            "\(path) belongs to node \(found), this is node \(expected) (node.id)"
        case .otherCluster(let path, let found, let expected):
            "\(path) belongs to cluster \(found), the other log directories to \(expected)"
        }
    }
}

/// `meta.properties`, version 1: whose a log directory is (KIP-631, KIP-858).
struct MetaProperties: Sendable, Equatable {
    static let fileName = "meta.properties"
    private static let sizeLimit = 64 << 10

    var clusterID: String
    var nodeID: BrokerID
    var directoryID: UUID128

    var text: String {
        """
        #
        cluster.id=\(clusterID)
        directory.id=\(directoryID)
        node.id=\(nodeID)
        version=1

        """
    }

    /// The file's content; nil where there is no file.
    static func read(
        in directory: String, files: any FileSystem
    ) throws(MetaPropertiesError) -> MetaProperties? {
        let path = "\(directory)/\(fileName)"
        let content: Bytes
        do throws(FileError) {
            guard try files.attributes(path) != nil else { return nil }
            content = try files.readAll(path, limit: sizeLimit)
        } catch {
            throw .file(error)
        }
        guard let text = content.text else { throw .damaged(path: path, reason: "it is not text") }
        return try MetaProperties(parsing: text, path: path)
    }

    init(clusterID: String, nodeID: BrokerID, directoryID: UUID128) {
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.directoryID = directoryID
    }

    init(parsing text: String, path: String) throws(MetaPropertiesError) {
        var values: [String: String] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw .damaged(path: path, reason: "no '=' in the line \"\(line)\"")
            }
            values[String(parts[0])] = String(parts[1])
        }
        guard values["version"] == "1" else {
            throw .damaged(
                path: path, reason: "version 1 expected, found \(values["version"] ?? "none")")
        }
        guard let cluster = values["cluster.id"], !cluster.isEmpty else {
            throw .damaged(path: path, reason: "cluster.id is missing")
        }
        guard let node = values["node.id"].flatMap(Int32.init), node >= 0 else {
            throw .damaged(path: path, reason: "node.id is missing or no number")
        }
        // Directories written before KIP-858 have none; they get one when they are next written.
        let directory = values["directory.id"].map { UUID128($0) } ?? .zero
        guard let directory else {
            throw .damaged(path: path, reason: "directory.id is no id")
        }
        self.init(clusterID: cluster, nodeID: BrokerID(node), directoryID: directory)
    }

    /// Refuses directories of another node, and of more than one cluster. Changes nothing, so it
    /// may be asked before they are locked.
    static func check(
        _ directories: [String], node: BrokerID, world: World
    ) throws(MetaPropertiesError) {
        _ = try readAll(directories, node: node, world: world)
    }

    /// Makes the files that are missing, all of one cluster and of this node. Returns those of all
    /// directories in their order, on disk.
    ///
    /// - Precondition: the caller holds the locks of the directories.
    static func claim(
        _ directories: [String], node: BrokerID, world: World
    ) throws(MetaPropertiesError) -> [MetaProperties] {
        let found = try readAll(directories, node: node, world: world)
        let cluster = found.lazy.compactMap { $0?.clusterID }.first
        let clusterID = cluster ?? UUID128.random(world.random).description
        var claimed: [MetaProperties] = []
        for (directory, existing) in zip(directories, found) {
            var meta =
                existing
                ?? MetaProperties(clusterID: clusterID, nodeID: node, directoryID: .zero)
            if meta.directoryID == .zero { meta.directoryID = .random(world.random) }
            if meta != existing {
                do throws(FileError) {
                    try world.files.replaceDurably(
                        "\(directory)/\(fileName)", with: Bytes(meta.text), directory: directory)
                } catch {
                    throw .file(error)
                }
            }
            claimed.append(meta)
        }
        return claimed
    }

    private static func readAll(
        _ directories: [String], node: BrokerID, world: World
    ) throws(MetaPropertiesError) -> [MetaProperties?] {
        var cluster: String?
        var found: [MetaProperties?] = []
        for directory in directories {
            let meta = try read(in: directory, files: world.files)
            found.append(meta)
            guard let meta else { continue }
            let path = "\(directory)/\(fileName)"
            guard meta.nodeID == node else {
                throw .otherNode(path: path, found: meta.nodeID, expected: node)
            }
            let expected = cluster ?? meta.clusterID
            guard meta.clusterID == expected else {
                throw .otherCluster(path: path, found: meta.clusterID, expected: expected)
            }
            cluster = expected
        }
        return found
    }
}
