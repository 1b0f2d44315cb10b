internal import Primitives
internal import RecordFormat

// A record as a dump and a consumer show it.

extension Output {
    /// An object a line. Written out field by field, for there are many.
    func writeJSON(_ record: Record, of partition: TopicPartition?) {
        var object = JSONObject(self)
        object.add(partition)
        object.add("offset", record.offset.rawValue)
        object.add("timestamp", record.timestamp.rawValue)
        object.add("key", record.key)
        object.add("value", record.value)
        object.add("headers", each: record.headers) { header in
            write(UInt8(ascii: "["))
            writeJSON(header.key)
            write(UInt8(ascii: ","))
            writeJSON(header.value)
            write(UInt8(ascii: "]"))
        }
        object.end()
    }

    /// A line for people. Keys and values are quoted as in JSON, so that each record stays one line.
    func writePlain(_ record: Record) {
        beginPlain(record)
        write(" key=" as StaticString)
        writeJSON(record.key)
        write(" value=" as StaticString)
        writeJSON(record.value)
        for header in record.headers {
            write(" header " as StaticString)
            writeJSON(header.key)
            write(UInt8(ascii: "="))
            writeJSON(header.value)
        }
        write("\n" as StaticString)
    }

    /// Offset and time.
    func beginPlain(_ record: Record) {
        write(record.offset.rawValue)
        write(UInt8(ascii: " "))
        write(UTCTime.text(record.timestamp))
    }
}

extension JSONObject {
    /// Its topic and number, or nothing.
    mutating func add(_ partition: TopicPartition?) {
        guard let partition else { return }
        add("topic", partition.topic)
        add("partition", Int64(partition.partition.rawValue))
    }
}
