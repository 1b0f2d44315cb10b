import Primitives
import RecordFormat
import Testing
import WireProtocol

@testable import Simulation

/// What users of brokers like this one have met, by name: each was a bug in the field.
@Suite("Scenarios from the field")
struct FieldTests {
    @Test(
        "a consumer that waits in a long poll reads on after a restart",
        arguments: FieldScene.Restart.allCases)
    func hungConsumer(restart: FieldScene.Restart) throws {
        let field = try FieldScene()
        let consumer = field.consumer(waiting: 10_000)
        field.start(consumer)
        try field.scene.pass(milliseconds: 500)
        #expect(consumer.answerCount == 0, "the poll waits")
        try field.restart(restart)
        let records = try field.records(3)
        #expect(try field.insist { try field.produce(records) }.code == 0)
        // Nobody may have told it that the connection is gone: then it finds out by itself.
        try field.scene.within(35_000, "it reads on: \(consumer.standing)") {
            consumer.readings[0].position == 3
        }
    }

    @Test("a consumer that waits in a long poll is told when its topic goes away, and not later")
    func hungConsumerOfDeletedTopic() throws {
        let field = try FieldScene()
        let consumer = field.consumer(waiting: 20_000)
        field.start(consumer)
        try field.scene.pass(milliseconds: 500)
        #expect(consumer.answerCount == 0, "the poll waits")
        var request = DeleteTopicsRequest()
        request.topicNames = [FieldScene.topicName]
        request.timeoutMs = 10_000
        let answer = try #require(try field.call(request, version: 5))
        #expect(answer.responses.first?.errorCode == 0)
        try field.scene.within(1000, "the waiting poll is answered") { consumer.answerCount > 0 }
    }

    @Test(
        "no consumer is out of range after a restart, at the log's end or behind it",
        arguments: FieldScene.Restart.allCases)
    func offsetOutOfRangeAfterRestart(restart: FieldScene.Restart) throws {
        let field = try FieldScene()
        let (producer, consumer) = (field.producer(), field.consumer(waiting: 500))
        let laggard = field.laggard()
        field.start(producer)
        for consumer in [consumer, laggard] { field.start(consumer) }
        for _ in 0..<3 {
            // What is read without having been acknowledged may go with the power: see that there
            // is nothing like that.
            try field.scene.pass(milliseconds: 700)
            producer.pause()
            try field.scene.within(30_000, "everything is settled") {
                producer.isSettled && consumer.isAtEnd
            }
            let position = consumer.readings[0].position
            let behind = laggard.readings[0].position
            #expect(0 < behind && behind < position, "it lags")
            try field.restart(restart)
            #expect(try field.insist { try field.end() } == position)
            producer.goOn()
            for (consumer, before) in [(consumer, position), (laggard, behind)] {
                try field.scene.within(40_000, "it reads on: \(consumer.standing)") {
                    consumer.readings[0].position > before
                }
            }
        }
        #expect(consumer.resetCount == 0)
        #expect(laggard.resetCount == 0)
        producer.finish()
        try field.scene.within(30_000, "everything is settled") { producer.isSettled }
        try field.scene.audit(field.topic, as: "auditor", within: 10_000)
    }

    @Test(
        "a produce that is sent again, as its answer was lost, is in the log once",
        arguments: FieldScene.Restart.allCases)
    func retriedProduceWrittenTwice(restart: FieldScene.Restart) throws {
        let field = try FieldScene()
        var request = InitProducerIdRequest()
        request.transactionalId = nil
        request.transactionTimeoutMs = 60_000
        let identity = try #require(try field.call(request, version: 4))
        #expect(identity.errorCode == 0)
        var producer = RecordBatchBuilder.Producer(
            id: ProducerID(identity.producerId), epoch: ProducerEpoch(identity.producerEpoch),
            baseSequence: 0)
        for round: Int64 in 0..<3 {
            producer.baseSequence = Int32(round * 2)
            let records = try field.records(2, producer: producer)
            let first = try field.insist { try field.produce(records) }
            #expect(first == (0, round * 2))
            try field.hangUp()
            #expect(try field.insist { try field.produce(records) } == (0, round * 2))
            try field.restart(restart)
            #expect(try field.insist { try field.produce(records) } == (0, round * 2))
            #expect(try field.insist { try field.end() } == round * 2 + 2)
        }
    }

    @Test(
        "from the first moment after a restart a group's offset is what it was, or not told",
        arguments: FieldScene.Restart.allCases)
    func offsetsAnsweredAsZero(restart: FieldScene.Restart) throws {
        let field = try FieldScene()
        #expect(try field.produce(try field.records(20))?.code == 0)
        try field.findCoordinator()
        for offset: Int64 in 1...20 {
            try field.until("\(offset) is committed") { try field.commit(offset) == 0 }
        }
        try field.restart(restart)
        var isTold = false
        for _ in 0..<200 where !isTold {
            if let end = try field.end() { #expect(end == 20) }
            if let answer = try field.committed() {
                isTold = answer.code == 0
                #expect(answer.code != 0 || answer.offset == 20)
            }
            try field.scene.pass(milliseconds: 5)
        }
        #expect(isTold)
    }

    /// As far as one broker without a coordinator of transactions can have it: the transaction and
    /// its marker are put into the log while the broker is down.
    @Test("a position behind an abort marker is the offset of the next record, committed or not")
    func committedOffsetOffByOneAfterAbort() throws {
        let field = try FieldScene()
        #expect(try field.produce(try field.records(2))?.code == 0)
        try field.findCoordinator()
        field.goDown(.cleanStop)
        try field.abortTransaction(at: 2)
        field.scene.broker.start()

        #expect(try field.end(isolation: 1) == 5)
        let (shown, position) = try field.readCommitted(from: 0)
        #expect(shown == [0, 1])
        #expect(position == 5)
        try field.until("\(position) is committed") { try field.commit(position) == 0 }
        try field.restart(.processDeath)
        try field.until("the offset is told") { try field.committed()?.code == 0 }
        #expect(try field.committed()?.offset == 5)
        let next = try field.records(1)
        #expect(try field.insist { try field.produce(next) } == (0, 5))
        #expect(try field.readCommitted(from: 5).shown == [5])
    }

    @Test("a topic that is made while the disk is full is served once there is room")
    func topicMadeOnFullDisk() throws {
        let field = try FieldScene()
        var isUnserved = false
        for spare in stride(from: 0, to: 1500, by: 20) where !isUnserved {
            field.scene.broker.repair()
            field.scene.broker.fill(spare: spare)
            let name = "late-\(spare)"
            isUnserved = try field.make(name) && field.end(of: name) == nil
            if !isUnserved { continue }
            field.scene.broker.repair()
            for _ in 0..<70 where try field.end(of: name) == nil {
                try field.scene.pass(milliseconds: 1000)
            }
            #expect(try field.end(of: name) == 0)
        }
        #expect(isUnserved, "room for the metadata, none for the log")
    }

    @Test("a stop ends, though the power fails while the controller is at work")
    func powerLossWhileStopping() throws {
        for moment: Int64 in 0..<8 {
            let field = try FieldScene(seed: UInt64(moment))
            field.beginMaking("late")
            try field.scene.pass(milliseconds: moment)
            field.scene.broker.losePower(afterChanges: 1)
            field.scene.broker.stop()
            field.goDown(.powerLoss)
            field.scene.broker.start()
            #expect(try field.insist { try field.end() } == 0)
        }
    }

    @Test("500 members that join at once settle in one rebalance")
    func rebalanceStorm() throws {
        let field = try FieldScene(partitions: 10)
        let members = field.classicMembers(500, session: 30_000)
        field.start(members)
        try field.scene.within(10_000, "all have a share") {
            field.group.isSettled(members)
        }
        #expect(members.allSatisfy { $0.generation == 1 && $0.shareCount == 1 })
    }
}

extension FieldScene {
    /// Puts a transaction of two records and the marker that aborts it at the end of the first
    /// partition's log, as a leader would have written them before it died.
    fileprivate func abortTransaction(at offset: Int64) throws {
        let producer = RecordBatchBuilder.Producer(
            id: ProducerID(77), epoch: ProducerEpoch(0), baseSequence: 0)
        var data = RecordBatchBuilder(
            baseOffset: Offset(offset), leaderEpoch: .zero, producer: producer,
            isTransactional: true)
        let now = scene.agenda.clock.wall()
        for index in 0..<2 {
            let mark = RecordMark(producer: 9, number: Int32(index))
            data.append(timestamp: now, key: nil, value: mark.encoded(padding: 0))
        }
        var marker = RecordBatchBuilder(
            baseOffset: Offset(offset + 2), leaderEpoch: .zero,
            producer: .init(id: ProducerID(77), epoch: ProducerEpoch(0), baseSequence: -1),
            isTransactional: true, isControl: true)
        marker.append(.endTransaction(.abort, coordinatorEpoch: 0), timestamp: now)
        let added = try data.build().array + marker.build().array
        scene.broker.edit { disk in
            let path = "/data/\(Self.topicName)-0/00000000000000000000.log"
            disk.replace(path, with: (disk.content(path) ?? []) + added)
            disk.remove("/data/.kafka_cleanshutdown")
        }
    }
}
