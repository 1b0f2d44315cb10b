internal import LogCore

extension Storage {
    /// The directory at `path`, where the cluster's metadata log is or, in a new cluster, is to be.
    ///
    /// The metadata must not begin anew beside logs that are there: the broker would take their
    /// topics for deleted ones.
    ///
    /// - Throws: `StartError.metadata` where the logs say that the metadata is, or was, elsewhere.
    func metadataDirectory(_ path: String) throws(StartError) -> LogDirectory {
        let name = MetadataLog.partition
        guard let chosen = directories.first(where: { $0.path == path }) else {
            preconditionFailure(
                "the configuration lets no metadata.log.dir pass but one of log.dirs")
        }
        let holder = directories.first { $0.path != path && $0.log(name) != nil }
        if chosen.log(name) != nil {
            guard let holder else { return chosen }
            throw .metadata(
                "one metadata log \(name) is expected, and there are two, in \(path) and in"
                    + " \(holder.path): move the one away that this cluster does not use")
        }
        if let holder {
            throw .metadata(
                "the metadata log \(name) is expected in \(path), and it is in \(holder.path):"
                    + " set metadata.log.dir=\(holder.path), or move it to \(path)")
        }
        if let used = directories.first(where: { !$0.logs.isEmpty }) {
            throw .metadata(
                "the metadata log \(name) is expected in \(path), and none of log.dirs holds it,"
                    + " while \(used.path) holds \(used.logs.count) logs of partitions: mount or"
                    + " name the directory that it is in; to begin an empty cluster instead, move"
                    + " those logs away")
        }
        return chosen
    }
}
