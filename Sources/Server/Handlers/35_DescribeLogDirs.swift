internal import LogCore
internal import Primitives
internal import WireProtocol

/// DescribeLogDirs, versions 1 to 4: the log directories with their partitions and sizes, total
/// and usable bytes of the disk from 4 on (KIP-827). An offline directory is listed with
/// KAFKA_STORAGE_ERROR.
struct DescribeLogDirsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 1...4

    let view: CurrentView
    let storage: Storage

    func handle(_ request: DescribeLogDirsRequest, _ call: Call<DescribeLogDirsResponse>) {
        // Asking a file system for its size can block on a slow disk.
        let accepted = storage.world.background.submit { [self] in call.answer(describe(request)) }
        if !accepted {
            call.close("too much background work waits for DescribeLogDirs")
        }
    }

    private func describe(_ request: DescribeLogDirsRequest) -> DescribeLogDirsResponse {
        var response = DescribeLogDirsResponse()
        let asked = request.topics.map { topics in
            Set(
                topics.flatMap { topic in
                    topic.partitions.map {
                        TopicPartition(topic: topic.topic, partition: PartitionIndex($0))
                    }
                })
        }
        for directory in storage.directories {
            var result = DescribeLogDirsResponse.DescribeLogDirsResult()
            result.logDir = directory.path
            if directory.isOffline {
                result.errorCode = ErrorCode.kafkaStorageError.rawValue
                response.results.append(result)
                continue
            }
            for log in directory.logs
            where log.topicPartition != MetadataLog.partition
                && asked?.contains(log.topicPartition) != false
            {
                var partition = DescribeLogDirsResponse.DescribeLogDirsPartition()
                partition.partitionIndex = log.topicPartition.partition.rawValue
                do throws(LogError) {
                    partition.partitionSize = Int64(try log.sizeInBytes)
                } catch {
                    storage.world.log(.warn, "size of \(log.topicPartition): \(error)")
                    continue
                }
                let name = log.topicPartition.topic
                if result.topics.last?.name != name {
                    var topic = DescribeLogDirsResponse.DescribeLogDirsTopic()
                    topic.name = name
                    result.topics.append(topic)
                }
                result.topics[result.topics.count - 1].partitions.append(partition)
            }
            do throws(FileError) {
                let capacity = try storage.world.files.capacity(directory.path)
                result.totalBytes = Int64(capacity.total)
                result.usableBytes = Int64(capacity.free)
            } catch {
                storage.world.log(.warn, "\(error)")
            }
            response.results.append(result)
        }
        return response
    }
}
