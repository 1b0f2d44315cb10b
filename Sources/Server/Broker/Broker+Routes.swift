internal import Coordination
internal import Networking
internal import Primitives
internal import WireProtocol

extension Broker {
    /// The handlers, whose list is what ApiVersions announces: in one router for all loops, or in
    /// one for each where requests are counted.
    static func makeRouters(
        _ configuration: BrokerConfiguration, view: CurrentView, controller: ControllerDriver,
        groups: GroupCoordinator, storage: Storage, brokerEpoch: BrokerEpoch,
        meters: BrokerMeters?
    ) -> [RequestRouter] {
        let world = storage.world
        let producerIDs = ProducerIDs(
            controller: controller, broker: configuration.nodeID, brokerEpoch: brokerEpoch)
        let topicCreation = TopicCreation(
            controller: controller, offsetsTopic: configuration.offsetsTopic)
        let clientRoutes = [
            Route(ProduceHandler(view: view, world: world)),
            Route(
                FetchHandler(
                    view: view, sessions: FetchSessions(limit: configuration.fetchSessionSlots),
                    world: world, maxBytes: configuration.fetchMaxBytes)),
            Route(ListOffsetsHandler(view: view)),
            Route(
                MetadataHandler(
                    view: view, topicCreation: topicCreation,
                    allowsAutoCreation: configuration.autoCreateTopics)),
            Route(
                FindCoordinatorHandler(view: view, groups: groups, topicCreation: topicCreation)),
            Route(CreateTopicsHandler(controller: controller)),
            Route(DeleteTopicsHandler(controller: controller)),
            Route(DeleteRecordsHandler(view: view)),
            Route(InitProducerIdHandler(producerIDs: producerIDs)),
            Route(OffsetForLeaderEpochHandler(view: view)),
            Route(DescribeConfigsHandler(view: view, broker: configuration)),
            Route(AlterConfigsHandler(controller: controller)),
            Route(DescribeLogDirsHandler(view: view, storage: storage)),
            Route(CreatePartitionsHandler(controller: controller)),
            Route(IncrementalAlterConfigsHandler(controller: controller)),
            Route(DescribeClusterHandler(view: view)),
            Route(DescribeProducersHandler(view: view)),
            Route(ListConfigResourcesHandler(view: view)),
            Route(
                DescribeTopicPartitionsHandler(
                    view: view, partitionLimit: configuration.maxDescribedPartitions)),
        ]
        let routes = clientRoutes + groupRoutes(groups, view)
        let announced = RequestRouter.announced(routes, and: ApiVersionsHandler.self)
        let versions = Route(ApiVersionsHandler(view: view, announced: announced))
        let peerLog = RateLimitedLog(world.log)
        let byLoop = meters.map { $0.byLoop.map { Optional($0) } } ?? [nil]
        return byLoop.map { meters in
            RequestRouter(
                routes + [versions], announced: announced, log: world.log, peerLog: peerLog,
                meters: meters)
        }
    }

    private static func groupRoutes(_ groups: GroupCoordinator, _ view: CurrentView) -> [Route] {
        [
            Route(OffsetCommitHandler(groups: groups, view: view)),
            Route(OffsetFetchHandler(groups: groups, view: view)),
            Route(JoinGroupHandler(groups: groups)),
            Route(HeartbeatHandler(groups: groups)),
            Route(LeaveGroupHandler(groups: groups)),
            Route(SyncGroupHandler(groups: groups)),
            Route(DescribeGroupsHandler(groups: groups)),
            Route(ListGroupsHandler(groups: groups)),
            Route(DeleteGroupsHandler(groups: groups)),
            Route(OffsetDeleteHandler(groups: groups, view: view)),
            Route(ConsumerGroupHeartbeatHandler(groups: groups)),
            Route(ConsumerGroupDescribeHandler(groups: groups)),
        ]
    }
}
