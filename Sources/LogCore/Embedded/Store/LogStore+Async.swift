/// The forms for async code. Each does what its namesake does, on the store's own threads.
extension LogStore {
    /// As the form that blocks.
    public static func open(
        _ path: String, options: Options = Options(),
        progress: @escaping @Sendable (RecoveryProgress) -> Void = { _ in }
    ) async throws -> LogStore {
        let disk = DiskQueue(width: max(options.diskThreads, 1))
        return try await disk.run {
            try open(path, options: options, progress: progress)
        }
    }

    /// As the form that blocks.
    public func topic(_ name: String) async throws -> Topic {
        try await disk.run { try self.topic(name) }
    }

    /// As the form that blocks.
    @discardableResult
    public func createTopic(
        _ name: String, partitions: Int = 1, settings: TopicSettings = TopicSettings()
    ) async throws -> Topic {
        try await disk.run {
            try self.createTopic(name, partitions: partitions, settings: settings)
        }
    }

    /// As the form that blocks.
    public func openTopic(
        _ name: String, partitions: Int = 1, settings: TopicSettings = TopicSettings()
    ) async throws -> Topic {
        try await disk.run {
            try self.openTopic(name, partitions: partitions, settings: settings)
        }
    }

    /// As the form that blocks.
    public func deleteTopic(_ name: String) async throws {
        try await disk.run { try self.deleteTopic(name) }
    }

    /// As the form that blocks.
    public func runHousekeeping() async throws {
        try await disk.run { try self.runHousekeeping() }
    }

    /// As the form that blocks.
    public func close() async throws {
        try await disk.run { try self.close() }
    }
}
