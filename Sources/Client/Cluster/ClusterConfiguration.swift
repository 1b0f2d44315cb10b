/// How a client reaches its cluster.
package struct ClusterConfiguration: Sendable {
    package var servers: BootstrapServers
    /// What brokers call this client in their logs and quotas (`client.id`).
    package var clientID = "apus"
    /// How long something asked of the cluster may take, retries included
    /// (`default.api.timeout.ms`).
    package var timeoutMilliseconds: Int64 = 60_000
    /// How long one answer may take; then the connection is given up, and what may be asked again
    /// is (`request.timeout.ms`).
    package var requestMilliseconds: Int64 = 30_000
    /// How long it may take to open one connection.
    package var connectMilliseconds: Int64 = 5_000
    /// How long a broker that could never be reached is tried again: another one may take its
    /// place.
    package var patienceMilliseconds: Int64 = 5_000

    package init(servers: BootstrapServers) { self.servers = servers }
}
