internal import Primitives

/// What a broker takes that has nothing to do, and what partitions and connections add to it.
struct IdleScenario: Scenario {
    let name = "idle"
    let summary = "memory, CPU and wake-ups of an idle broker; memory per partition and connection"

    private static let partitions = 1000
    private static let connections = 10_000
    private static let watchedSeconds = 10

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        try bench.withDirectory { (directory) throws(BenchmarkFailed) in
            var figures = try idling(bench, directory)
            figures += try partitions(bench, directory)
            figures += try connections(bench, directory)
            return figures
        }
    }

    private func idling(_ bench: Workbench, _ directory: String)
        throws(BenchmarkFailed) -> [Figure]
    {
        let broker = try bench.startBroker(in: directory + "/idle")
        let process = broker.process
        pause(milliseconds: 1000)
        let (cpu, switches) = (process.processorSeconds, process.voluntarySwitches)
        pause(milliseconds: Self.watchedSeconds * 1000)
        let spent = (process.processorSeconds - cpu) * 1000
        let woken = process.voluntarySwitches - switches
        let resident = process.residentBytes
        try broker.stop()
        return [
            Figure(
                what: "resident memory", unit: "MB", ours: resident / 1e6, budget: .atMost(12)),
            Figure(
                what: "wake-ups", unit: "1/s", ours: woken / Double(Self.watchedSeconds),
                budget: .atMost(2)),
            Figure(
                what: "CPU", unit: "ms/s", ours: spent / Double(Self.watchedSeconds)),
        ]
    }

    /// After a restart each time, so that what making the topics took is not counted.
    private func partitions(_ bench: Workbench, _ directory: String)
        throws(BenchmarkFailed) -> [Figure]
    {
        func restarted(adding topic: String, _ count: Int)
            throws(BenchmarkFailed) -> (memory: Double, descriptors: Double)
        {
            let place = directory + "/partitions"
            let first = try bench.startBroker(in: place)
            try KafkaClient(socket: try first.connect()).createTopic(topic, partitions: count)
            try first.stop()
            let second = try bench.startBroker(in: place)
            pause(milliseconds: 500)
            let (memory, files) = (second.process.residentBytes, second.process.descriptorCount)
            try second.stop()
            return (memory, files)
        }
        let few = try restarted(adding: "few", 1)
        let many = try restarted(adding: "many", Self.partitions)
        return [
            Figure(
                what: "memory of an idle partition more", unit: "bytes",
                ours: (many.memory - few.memory) / Double(Self.partitions), budget: .atMost(4096)),
            Figure(
                what: "descriptors of an idle partition more", unit: "",
                ours: (many.descriptors - few.descriptors) / Double(Self.partitions),
                budget: .atMost(0)),
        ]
    }

    private func connections(_ bench: Workbench, _ directory: String)
        throws(BenchmarkFailed) -> [Figure]
    {
        let broker = try bench.startBroker(in: directory + "/connections")
        let frame = KafkaClient.apiVersionsFrame()
        func open(_ count: Int) throws(BenchmarkFailed) -> [BlockingSocket] {
            var sockets: [BlockingSocket] = []
            for _ in 0..<count {
                let socket = try broker.connect()
                // Each has been used once, as real ones have.
                try socket.send(frame)
                _ = try socket.receiveFrame()
                sockets.append(socket)
            }
            return sockets
        }
        let warm = try open(100)
        let before = broker.process.residentBytes
        let sockets = try open(Self.connections)
        let after = broker.process.residentBytes
        withExtendedLifetime((warm, sockets)) {}
        try broker.stop()
        return [
            Figure(
                what: "memory of an idle connection", unit: "bytes",
                ours: (after - before) / Double(Self.connections), budget: .atMost(8192))
        ]
    }
}
