package import Primitives

/// One record. Key, value and headers share the batch's memory (or that of its decompressed form).
package struct Record: Sendable, Equatable {
    package var offset: Offset
    package var timestamp: Timestamp
    package var key: Bytes?
    /// nil is a tombstone in a compacted topic.
    package var value: Bytes?
    package var headers: [RecordHeader]

    package init(
        offset: Offset, timestamp: Timestamp, key: Bytes?, value: Bytes?,
        headers: [RecordHeader] = []
    ) {
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }
}

/// A name and a value beside a record (KIP-82). A name may occur more than once.
package struct RecordHeader: Sendable, Equatable {
    /// UTF-8 by convention; not checked, as brokers pass it on unread.
    package var key: Bytes
    package var value: Bytes?

    package init(key: Bytes, value: Bytes?) {
        self.key = key
        self.value = value
    }

    package init(_ key: String, _ value: Bytes?) {
        self.init(key: Bytes(key), value: value)
    }
}
