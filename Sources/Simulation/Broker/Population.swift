internal import Primitives

/// The topics of a run and the clients that work on them, as the seed has them.
struct Population {
    let topics: [SimulatedTopic]
    let admin: TopicAdmin
    let producers: [SimulatedProducer]
    let consumers: [SimulatedConsumer]
    let groups: [GroupHistory]
    let members: [any GroupMember]

    private static let producerVersions: [Int16] = [3, 8, 9, 12, 13]
    static let fetchVersions: [Int16] = [4, 7, 11, 12, 13, 17]

    /// - Parameter keepsCommits: what groups commit survives a loss of power.
    init(scene: BrokerScene, keepsCommits: Bool, random: inout SeededRandom) {
        let (network, judge) = (scene.clients, scene.judge)
        let topics = [("plain", false, 2), ("flushed", true, 2), ("shared", true, 5)].map { topic in
            SimulatedTopic(
                topic.0, partitions: 1 + random.below(topic.2),
                growth: max(random.below(5) - 2, 0), survivesPowerLoss: topic.1,
                segmentBytes: [2000, 8000, 1 << 20][random.below(3)],
                trimming: Self.trimming(&random), judge: judge)
        }
        self.topics = topics
        let (flushed, shared) = (topics[1], topics[2])
        let classic = GroupHistory(
            "classic", of: [shared], survivesPowerLoss: keepsCommits, judge: judge)
        let modern = GroupHistory(
            "modern", of: [shared, flushed], survivesPowerLoss: keepsCommits, judge: judge)
        let mixed = GroupHistory(
            "mixed", of: [shared, flushed], isMixed: true, survivesPowerLoss: keepsCommits,
            judge: judge)
        groups = [classic, modern, mixed]
        let counts = Self.memberCounts(&random)
        var members: [any GroupMember] = []
        for group in Array(repeating: classic, count: counts.classic)
            + Array(repeating: mixed, count: counts.mixed)
        {
            members.append(
                ClassicMember(
                    "\(group.name)-\(members.count)", of: group,
                    settings: Self.classicSettings(members.count, &random), network: network,
                    judge: judge, seed: random.next()))
        }
        for group in Array(repeating: modern, count: counts.modern)
            + Array(repeating: mixed, count: counts.mixed)
        {
            members.append(
                ConsumerMember(
                    "\(group.name)-\(members.count)", of: group,
                    settings: Self.modernSettings(members.count, &random), network: network,
                    judge: judge, seed: random.next()))
        }
        self.members = members
        admin = TopicAdmin(
            topics, network: network, judge: judge, clock: scene.agenda.clock, seed: random.next())
        var producers: [SimulatedProducer] = []
        var consumers: [SimulatedConsumer] = []
        for topic in topics {
            for _ in 0..<1 + random.below(2) {
                producers.append(
                    SimulatedProducer(
                        Int32(producers.count), of: topic,
                        partition: Int32(random.below(topic.histories.count)),
                        settings: Self.producerSettings(&random), network: network, judge: judge,
                        clock: scene.agenda.clock, seed: random.next()))
            }
            for _ in 0..<1 + random.below(2) {
                consumers.append(
                    SimulatedConsumer(
                        "consumer-\(consumers.count)", of: topic,
                        settings: Self.consumerSettings(&random), network: network, judge: judge,
                        seed: random.next()))
            }
        }
        self.producers = producers
        self.consumers = consumers
    }

    /// Half of the topics keep all they have.
    private static func trimming(_ random: inout SeededRandom) -> Trimming {
        switch random.below(4) {
        case 0: .onRequest
        case 1: .bySize([1000, 5000, 20_000][random.below(3)])
        default: .never
        }
    }

    private static func producerSettings(
        _ random: inout SeededRandom
    ) -> SimulatedProducer.Settings {
        var settings = SimulatedProducer.Settings()
        settings.version = producerVersions[random.below(producerVersions.count)]
        settings.isIdempotent = random.below(10) < 6
        settings.acks = settings.isIdempotent ? -1 : [0, 1, -1][random.below(3)]
        settings.depth = settings.isIdempotent ? 1 + random.below(5) : 1
        settings.pace = [5...50, 20...400, 200...2000][random.below(3)]
        return settings
    }

    private static func consumerSettings(
        _ random: inout SeededRandom
    ) -> SimulatedConsumer.Settings {
        var settings = SimulatedConsumer.Settings()
        settings.version = fetchVersions[random.below(fetchVersions.count)]
        settings.usesSession = settings.version >= 7 && random.chance(2)
        settings.maxWaitMilliseconds = [0, 100, 500, 3000, 20_000][random.below(5)]
        settings.minBytes = [1, 1, 5000][random.below(3)]
        settings.thinkTime = settings.maxWaitMilliseconds == 0 ? 50...200 : 0...50
        return settings
    }

    /// Mostly one of the groups has members; now and then two or none. The mixed one has so many of
    /// each protocol.
    private static func memberCounts(
        _ random: inout SeededRandom
    ) -> (classic: Int, modern: Int, mixed: Int) {
        switch random.below(6) {
        case 0, 1: (random.below(5), 0, 0)
        case 2, 3: (0, 1 + random.below(4), 0)
        case 4: (1 + random.below(2), 1 + random.below(3), 0)
        default: (0, 0, 1 + random.below(2))
        }
    }

    private static func classicSettings(
        _ number: Int, _ random: inout SeededRandom
    ) -> ClassicMember.Settings {
        var settings = ClassicMember.Settings()
        settings.instance = random.chance(3) ? "instance-\(number)" : nil
        settings.sessionMilliseconds = [6000, 10_000][random.below(2)]
        settings.rebalanceMilliseconds = [3000, 10_000][random.below(2)]
        settings.heartbeatMilliseconds = [500, 2000][random.below(2)]
        settings.commitPercent = [10, 50, 100][random.below(3)]
        return settings
    }

    private static func modernSettings(
        _ number: Int, _ random: inout SeededRandom
    ) -> ConsumerMember.Settings {
        var settings = ConsumerMember.Settings()
        settings.instance = random.chance(3) ? "modern-instance-\(number)" : nil
        settings.rebalanceMilliseconds = [3000, 10_000][random.below(2)]
        settings.commitPercent = [10, 50, 100][random.below(3)]
        settings.lastCommitPercent = [0, 50, 100][random.below(3)]
        settings.version = random.chance(4) ? 0 : 1
        return settings
    }

    /// All that is made in vain is forgotten: nothing of them is left on the agenda that acts.
    func stop() {
        admin.stop()
        for producer in producers { producer.stop() }
        for consumer in consumers { consumer.stop() }
        for member in members { member.stop() }
    }
}
