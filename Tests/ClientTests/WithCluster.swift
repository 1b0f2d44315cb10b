import Networking
import Primitives
import RecordFormat
import Testing

@testable import Client

/// What `body` does with a cluster that begins at `endpoint`; closed afterwards.
func withCluster<Result>(
    _ endpoint: Endpoint, _ body: (Cluster) async throws -> Result
) async throws -> Result {
    let servers = try #require(BootstrapServers(endpoint.description))
    var configuration = ClusterConfiguration(servers: servers)
    // Other tests may keep all threads busy for long.
    configuration.timeoutMilliseconds = 600_000
    configuration.patienceMilliseconds = 100
    let cluster = try Cluster(configuration, world: .posix(log: Mute()))
    do {
        let result = try await body(cluster)
        await cluster.close()
        return result
    } catch {
        await cluster.close()
        throw error
    }
}

/// Waits until a condition holds; throws after a time that is long enough for everything.
func until(_ condition: () async -> Bool) async throws {
    let clock = PosixClock()
    let end = clock.monotonic().adding(milliseconds: 60_000)
    while await !condition() {
        if clock.monotonic() > end { throw NeverHappened() }
        try await Task.sleep(for: .milliseconds(2))
    }
}

struct NeverHappened: Error {}

extension Consumer {
    /// The values that one poll brings.
    func values() async throws -> [String?] {
        var values: [String?] = []
        for var records in try await poll() {
            while let record = try records.next() { values.append(record.value?.text) }
        }
        return values
    }
}
