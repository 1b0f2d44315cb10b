package import Primitives

/// Why a path cannot be looked into.
package enum InspectionError: Error, Sendable, CustomStringConvertible {
    case missing(String)
    case notOfALog(String)
    case io(FileError)

    package var description: String {
        switch self {
        case .missing(let path): "\(path): no such file or directory"
        case .notOfALog(let path):
            "\(path): neither a log directory, nor a partition's directory, nor a file of one"
        case .io(let error): error.description
        }
    }
}

/// What a path names.
package enum InspectionTarget: Sendable {
    /// An entry of `log.dirs`, and the partitions' directories in it.
    case root(String, partitions: [InspectedPartition])
    case partition(InspectedPartition)
    case file(InspectedFile)

    package init(_ path: String, files: any FileSystem) throws(InspectionError) {
        let kind: FileAttributes.Kind?
        let found: InspectionTarget?
        do throws(FileError) {
            kind = try files.attributes(path)?.kind
            found =
                kind == .directory
                ? try Self.directory(path, files) : InspectedFile(path: path).map(Self.file)
        } catch {
            throw .io(error)
        }
        guard kind != nil else { throw .missing(path) }
        guard let found else { throw .notOfALog(path) }
        self = found
    }

    private static func directory(
        _ path: String, _ files: any FileSystem
    ) throws(FileError) -> InspectionTarget? {
        let names = try files.list(path)
        let partitions = try partitions(names, in: path, files)
        if partitions.isEmpty, names.contains(where: isPartitionFile) {
            return .partition(InspectedPartition(directory: path))
        }
        let isRoot =
            names.contains(where: isRootFile) ? true : try holdsLog(partitions, files)
        guard isRoot else {
            return nil
        }
        return .root(path, partitions: partitions)
    }

    /// Whether one of the directories that could be partitions by their names is one.
    private static func holdsLog(
        _ partitions: [InspectedPartition], _ files: any FileSystem
    ) throws(FileError) -> Bool {
        for partition in partitions
        where try files.list(partition.directory).contains(where: isPartitionFile) { return true }
        return false
    }

    private static func partitions(
        _ names: [String], in path: String, _ files: any FileSystem
    ) throws(FileError) -> [InspectedPartition] {
        var found: [InspectedPartition] = []
        for name in names {
            guard case .live = PartitionDirectoryName(name) else { continue }
            let directory = path + "/" + name
            guard try files.attributes(directory)?.kind == .directory else { continue }
            found.append(InspectedPartition(directory: directory))
        }
        // Numbers in order: 2 comes before 10.
        return found.sorted { left, right in
            guard let first = left.partition, let second = right.partition else { return false }
            return first < second
        }
    }

    private static func isPartitionFile(_ name: String) -> Bool {
        switch InspectedFile(path: name)?.kind {
        case nil, .offsets, .text, .metadataSnapshot: false
        default: true
        }
    }

    private static func isRootFile(_ name: String) -> Bool {
        name == "meta.properties" || name == RootState.markerName || name == ".lock"
            || OffsetCheckpoint(rawValue: name) != nil
    }
}
