package import Primitives
package import RecordFormat

/// A record on its way to a topic.
package struct ProducerRecord: Sendable {
    package var key: Bytes?
    package var value: Bytes?
    package var headers: [RecordHeader]
    /// nil for the time at which the producer gets it.
    package var timestamp: Timestamp?
    /// nil for the key's partition; without a key for one partition after another, a batch each.
    package var partition: PartitionIndex?

    package init(
        key: Bytes? = nil, value: Bytes?, headers: [RecordHeader] = [],
        timestamp: Timestamp? = nil, partition: PartitionIndex? = nil
    ) {
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
        self.partition = partition
    }

    /// What it takes in a batch, at the most: lengths are varints of up to ten bytes.
    var sizeLimit: Int {
        let fields = 40 + (key?.count ?? 0) + (value?.count ?? 0)
        return headers.reduce(fields) { $0 + 20 + $1.key.count + ($1.value?.count ?? 0) }
    }
}

/// How a producer sends.
package struct ProducerConfiguration: Sendable {
    /// What counts as written (`acks`).
    package enum Acknowledgement: Int16, Sendable {
        /// Nothing: the broker does not answer.
        case none = 0
        /// The leader has it.
        case leader = 1
        /// All replicas in sync have it.
        case all = -1
    }

    package var acks = Acknowledgement.all
    package var compression = Compression.none
    /// A batch is sent when its records have so many bytes, before compression (`batch.size`).
    package var batchBytes = 256 << 10
    /// Or when its first record is so old (`linger.ms`).
    package var lingerMilliseconds: Int64 = 5
    /// Whoever sends waits while records of so many bytes have not been answered (`buffer.memory`).
    package var bufferBytes = 32 << 20
    /// How long after the first record of a batch it is tried to deliver it
    /// (`delivery.timeout.ms`).
    package var deliveryMilliseconds: Int64 = 120_000

    package init() {}
}

/// What became of the records that were sent so far.
package struct ProducerReport: Sendable {
    /// Written, as `acks` has it.
    package var acknowledged = 0
    /// Sent without asking for an answer (`acks` none).
    package var sent = 0
    /// Refused, or not answered in time: of the latter it is not known whether they are written.
    package var failed = 0
    /// Why, by partition: the first reason of each.
    package var failures: [TopicPartition: ClientError] = [:]
}
