/// The forms for async code. Each does what its namesake does, on the store's own threads.
extension Topic {
    /// As the form that blocks.
    @discardableResult
    public func append(
        _ value: RecordBytes?, key: RecordBytes? = nil, headers: [LogHeader] = [],
        timestamp: Int64? = nil, durability: Durability? = nil
    ) async throws -> Appended {
        try await append(
            NewRecord(value, key: key, headers: headers, timestamp: timestamp),
            durability: durability)
    }

    /// As the form that blocks.
    @discardableResult
    public func append(
        _ record: NewRecord, durability: Durability? = nil
    ) async throws -> Appended {
        let appended = try await store.disk.run {
            try core.append(record, core.settings)
        }
        try await synchronize([appended], durability)
        return appended
    }

    /// As the form that blocks.
    @discardableResult
    public func append(
        _ records: [NewRecord], durability: Durability? = nil,
        partitioner: (@Sendable (_ record: NewRecord, _ partitions: Int) -> Int)? = nil
    ) async throws -> [Appended] {
        let appended = try await store.disk.run {
            try core.append(records, by: partitioner)
        }
        try await synchronize(appended, durability)
        return appended
    }

    private func synchronize(
        _ appended: [Appended], _ durability: Durability?
    ) async throws {
        guard core.isSynced(durability) else { return }
        try await PartitionCore.synchronize(core.targets(appended), store.disk)
    }

    /// As the form that blocks.
    public func newestValue(
        forKey key: RecordBytes
    ) async throws -> RecordBytes? {
        try await store.disk.run {
            try self.newestValue(forKey: key)
        }
    }

    /// As the form that blocks.
    public func update(_ settings: TopicSettings) async throws {
        try await store.disk.run { try self.update(settings) }
    }
}

/// The forms for async code. Each does what its namesake does, on the store's own threads.
extension LogPartition {
    /// As the form that blocks.
    @discardableResult
    public func append(
        _ value: RecordBytes?, key: RecordBytes? = nil, headers: [LogHeader] = [],
        timestamp: Int64? = nil, expectedEndOffset: Int64? = nil, durability: Durability? = nil
    ) async throws -> Appended {
        let record = NewRecord(value, key: key, headers: headers, timestamp: timestamp)
        return try await append(
            [record], expectedEndOffset: expectedEndOffset, durability: durability)
    }

    /// As the form that blocks.
    @discardableResult
    public func append(
        _ records: [NewRecord], expectedEndOffset: Int64? = nil, durability: Durability? = nil
    ) async throws -> Appended {
        let disk = topic.store.disk
        let settings = topic.settings
        let appended = try await disk.run {
            try core.append(records, settings, expected: expectedEndOffset)
        }
        if topic.core.isSynced(durability) {
            try await PartitionCore.synchronize([(core, appended.offsets.upperBound)], disk)
        }
        return appended
    }

    /// As the form that blocks.
    public func read(
        from position: ReadPosition, maxRecords: Int = 1000, maxBytes: Int = 1 << 20
    ) async throws -> [LogRecord] {
        try await topic.store.disk.run {
            try self.read(from: position, maxRecords: maxRecords, maxBytes: maxBytes)
        }
    }

    /// As the form that blocks.
    public func offset(of position: ReadPosition) async throws -> Int64 {
        try await topic.store.disk.run {
            try self.offset(of: position)
        }
    }

    /// As the form that blocks.
    public func newestRecord(
        forKey key: RecordBytes
    ) async throws -> LogRecord? {
        try await topic.store.disk.run {
            try self.newestRecord(forKey: key)
        }
    }

    /// As the form that blocks.
    public func newestValue(
        forKey key: RecordBytes
    ) async throws -> RecordBytes? {
        try await newestRecord(forKey: key)?.value
    }

    /// As the form that blocks.
    public func deleteRecords(before offset: Int64) async throws {
        try await topic.store.disk.run {
            try self.deleteRecords(before: offset)
        }
    }
}
