/// How a client reaches its cluster.
package struct ClusterConfiguration: Sendable {
    package var servers: BootstrapServers
    /// What brokers call this client in their logs and quotas (`client.id`).
    package var clientID = "apus"
    /// How long something asked of the cluster may take, retries included.
    package var timeoutMilliseconds: Int64 = 15_000
    /// How long it may take to open one connection.
    package var connectMilliseconds: Int64 = 5_000
    /// How long a broker that cannot be reached is tried again: another one may take its place.
    package var patienceMilliseconds: Int64 = 5_000

    package init(servers: BootstrapServers) { self.servers = servers }
}
