internal import LogCore
internal import Primitives

/// The broker's and the controller's state, traffic by topic, and the logs.
extension ScrapeSource {
    func stateFamilies(_ partitions: PartitionSurvey) -> [MetricFamily] {
        func replicas(_ name: String, _ help: String, _ count: Int) -> MetricFamily {
            MetricFamily("kafka_server_replicamanager_\(name)", .gauge, help, .count(count))
        }
        func controller(_ name: String, _ help: String, _ count: Int) -> MetricFamily {
            MetricFamily("kafka_controller_kafkacontroller_\(name)", .gauge, help, .count(count))
        }
        return [
            controller(
                "activecontrollercount", "1 while this node's controller decides.",
                self.controller.isActive ? 1 : 0),
            controller("globaltopiccount", "Topics of the cluster.", partitions.topics.count),
            controller(
                "globalpartitioncount", "Partitions of the cluster.", partitions.partitionCount),
            controller(
                "offlinepartitionscount", "Partitions that nobody can serve.",
                partitions.leaderless),
            replicas("partitioncount", "Replicas on this broker.", partitions.replicaCount),
            replicas("leadercount", "Partitions that this broker leads.", partitions.leaderCount),
            replicas(
                "underreplicatedpartitions",
                "Partitions led here with fewer replicas in sync than they have.",
                partitions.underReplicated),
            replicas(
                "underminisrpartitioncount",
                "Partitions led here with fewer replicas in sync than min.insync.replicas.",
                partitions.underMinimum),
            replicas(
                "offlinereplicacount",
                "Replicas on this broker in an offline directory, or damaged.",
                partitions.offlineReplicas),
            MetricFamily(
                "kafka_log_logmanager_offlinelogdirectorycount", .gauge,
                "Log directories that are out of use after an error.",
                .count(storage.directories.count(where: \.isOffline))),
        ]
    }

    /// All topics together, without a label, then each topic.
    func trafficFamilies(_ partitions: PartitionSurvey) -> [MetricFamily] {
        let total = meters.traffic.now
        let topics = partitions.topics
        func family(
            _ name: String, _ help: String, _ value: @escaping @Sendable (Traffic) -> UInt64
        ) -> MetricFamily {
            let name = "kafka_server_brokertopicmetrics_\(name)_total"
            return MetricFamily(name, .counter, help, rowCount: topics.count + 1) { row, writer in
                writer.name(name)
                if row > 0 { writer.label("topic", topics[row - 1].name) }
                writer.value(.integer(value(row > 0 ? topics[row - 1].traffic : total)))
            }
        }
        return [
            family("messagesin", "Records appended.") { $0.messagesIn },
            family("bytesin", "Bytes of record batches appended.") { $0.bytesIn },
            family("bytesout", "Bytes of record batches sent to consumers.") { $0.bytesOut },
        ]
    }

    func logFamilies(_ partitions: PartitionSurvey) -> [MetricFamily] {
        func family(
            _ name: String, _ help: String,
            _ value: @escaping @Sendable (PartitionSurvey.Row) -> MetricValue
        ) -> MetricFamily {
            MetricFamily("kafka_log_log_\(name)", .gauge, help, partitions.rows) { row, writer in
                writer.label("topic", row.topic)
                writer.label("partition", String(row.index))
            } value: { row in
                value(row)
            }
        }
        return [
            family("logstartoffset", "The first offset that can be read.") {
                .count($0.extent.startOffset.rawValue)
            },
            family("logendoffset", "The offset that the next record gets.") {
                .count($0.extent.endOffset.rawValue)
            },
            family("numlogsegments", "Segments of the log.") { .count($0.extent.segmentCount) },
            family("size", "Bytes of record batches on disk.") { .count($0.extent.sizeInBytes) },
        ]
    }
}
