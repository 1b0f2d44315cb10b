import BrokerHarness
import Primitives
import RecordFormat
import Testing

@testable import Client

@Suite("A producer, against a broker")
struct ProducerTests {
    @Test("a topic that the cluster does not make is missing, after a moment of patience")
    func missing() async throws {
        let broker = try TestBroker(["auto.create.topics.enable=false"])
        try await withCluster(broker.endpoint) { cluster in
            let producer = Producer(cluster, ProducerConfiguration())
            do {
                try await producer.send([ProducerRecord(value: Bytes("x"))], to: "no")
                Issue.record("it was taken")
            } catch ClientError.missing(let what) {
                #expect(what == .topic("no"))
            }
            #expect(await producer.flush().acknowledged == 0)
        }
    }

    @Test("whoever sends more than the buffer holds waits, and all of it arrives in order")
    func backPressure() async throws {
        let broker = try TestBroker()
        try await withCluster(broker.endpoint) { cluster in
            var configuration = ProducerConfiguration()
            configuration.batchBytes = 1000
            configuration.bufferBytes = 3000
            let producer = Producer(cluster, configuration)
            for number in 0..<500 {
                try await producer.send(
                    [ProducerRecord(value: Bytes("value \(number)"))], to: "t")
                // The last record of those that had room may reach beyond it.
                #expect(await producer.buffered < configuration.bufferBytes + 100)
            }
            let report = await producer.flush()
            #expect(await producer.buffered == 0)
            #expect(report.acknowledged == 500 && report.failed == 0)

            let consumer = Consumer(cluster, ConsumerConfiguration())
            let partition = TopicPartition(topic: "t", partition: PartitionIndex(0))
            await consumer.assign([partition: .zero])
            var values: [String?] = []
            while values.count < 500 { values += try await consumer.values() }
            #expect(values == (0..<500).map { "value \($0)" })
        }
    }
}
