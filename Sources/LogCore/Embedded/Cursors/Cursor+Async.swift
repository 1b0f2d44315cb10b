/// The forms for async code. Each does what its namesake does, on the store's own threads.
extension Cursor {
    /// As the form that blocks.
    public func position(of partition: LogPartition) async throws -> Int64? {
        try await store.disk.run { try self.position(of: partition) }
    }

    /// As the form that blocks.
    public func lag(in topic: Topic) async throws -> Int64 {
        try await store.disk.run { try self.lag(in: topic) }
    }

    /// As the form that blocks.
    public func lag(in partition: LogPartition) async throws -> Int64 {
        try await store.disk.run { try self.lag(in: partition) }
    }

    /// As the form that blocks.
    public func commit(
        after record: LogRecord, in topic: Topic
    ) async throws {
        try await commit(after: [record], in: topic)
    }

    /// As the form that blocks.
    public func commit(
        after records: [LogRecord], in topic: Topic
    ) async throws {
        try await store.disk.run {
            try self.commit(after: records, in: topic)
        }
    }

    /// As the form that blocks.
    public func commit(
        _ offset: Int64, in partition: LogPartition
    ) async throws {
        try await store.disk.run {
            try self.commit(offset, in: partition)
        }
    }

    /// As the form that blocks.
    public func reset(
        to position: ReadPosition, in partition: LogPartition
    ) async throws {
        try await store.disk.run {
            try self.reset(to: position, in: partition)
        }
    }

    /// As the form that blocks.
    public func reset(
        to position: ReadPosition, in topic: Topic
    ) async throws {
        try await store.disk.run {
            try self.reset(to: position, in: topic)
        }
    }

    /// As the form that blocks.
    public func delete() async throws {
        try await store.disk.run { try self.delete() }
    }
}

extension LogStore {
    /// As the form that blocks.
    public func cursorNames() async throws -> [String] {
        try await disk.run { try self.cursorNames() }
    }
}
