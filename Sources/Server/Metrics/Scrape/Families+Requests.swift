internal import WireProtocol

/// Requests and connections, summed over the loops.
extension ScrapeSource {
    func requestFamilies() -> [MetricFamily] {
        var counts: [(api: String, version: Int, count: UInt64)] = []
        var times: [(api: String, times: RequestTimes)] = []
        for api in APIDescription.all {
            let byLoop = meters.byLoop.map { $0.requests(api) }
            for index in 0..<api.versions.count {
                let count = byLoop.reduce(0) { $0 &+ $1[index] }
                if count == 0 { continue }
                counts.append((api.name, Int(api.versions.lowerBound) + index, count))
            }
            var sum = RequestTimes()
            for loop in meters.byLoop { sum.add(loop.times(api)) }
            if sum.count > 0 { times.append((api.name, sum)) }
        }
        let histogram = "kafka_network_requestmetrics_totaltimems"
        let (shown, rows) = (times, times.count)
        return [
            MetricFamily(
                "kafka_network_requestmetrics_requests_total", .counter,
                "Requests taken, by API and version.", counts
            ) { entry, writer in
                writer.label("request", entry.api)
                writer.label("version", String(entry.version))
            } value: { entry in
                .integer(entry.count)
            },
            MetricFamily(
                histogram, .histogram,
                "Milliseconds from a request's coming to its answer, waiting included.",
                rowCount: rows
            ) { row, writer in
                Self.write(histogram, request: shown[row].api, shown[row].times, &writer)
            },
            errorFamily(),
        ]
    }

    private func errorFamily() -> MetricFamily {
        var counts: [(api: String, error: String, count: UInt64)] = []
        for api in APIDescription.all {
            var sums: [Int16: UInt64] = [:]
            for loop in meters.byLoop { sums.merge(loop.errors(api)) { $0 &+ $1 } }
            for (code, count) in sums.sorted(by: { $0.key < $1.key }) {
                counts.append((api.name, ErrorCode(rawValue: code)?.name ?? "\(code)", count))
            }
        }
        return MetricFamily(
            "kafka_network_requestmetrics_errors_total", .counter,
            "Error codes in answers, of the whole and of each part, by API; NONE too.", counts
        ) { entry, writer in
            writer.label("request", entry.api)
            writer.label("error", entry.error)
        } value: { entry in
            .integer(entry.count)
        }
    }

    private static func write(
        _ name: String, request: String, _ times: RequestTimes, _ writer: inout ExpositionWriter
    ) {
        var below: UInt64 = 0
        for (count, bound) in zip(times.buckets, TimeBuckets.labels) {
            below &+= count
            writer.name(name, suffix: "_bucket")
            writer.label("request", request)
            writer.label("le", bound)
            writer.value(.integer(below))
        }
        writer.name(name, suffix: "_sum")
        writer.label("request", request)
        writer.value(.decimal(times.nanoseconds, places: 6))
        writer.name(name, suffix: "_count")
        writer.label("request", request)
        writer.value(.integer(below))
    }

    func connectionFamilies() -> [MetricFamily] {
        var rows: [(listener: String, loop: Int, opened: UInt64, open: UInt64)] = []
        let byLoop = meters.byLoop.map(\.connections)
        for (index, listener) in meters.listeners.enumerated() {
            for (loop, connections) in byLoop.enumerated() {
                rows.append((listener, loop, connections[index].opened, connections[index].open))
            }
        }
        func family(
            _ name: String, _ kind: MetricFamily.Kind, _ help: String,
            _ value:
                @escaping @Sendable ((listener: String, loop: Int, opened: UInt64, open: UInt64))
                -> UInt64
        ) -> MetricFamily {
            MetricFamily("kafka_server_socket_server_metrics_\(name)", kind, help, rows) {
                row, writer in
                writer.label("listener", row.listener)
                writer.label("networkProcessor", String(row.loop))
            } value: { row in
                .integer(value(row))
            }
        }
        return [
            family("connection_count", .gauge, "Connections that are open.") { $0.open },
            family("connection_creation_total", .counter, "Connections taken.") { $0.opened },
        ]
    }
}

extension TimeBuckets {
    /// The bounds as values of `le`, in milliseconds, the last one without an end.
    static let labels: [String] =
        bounds.map { bound in
            var text = MetricValue.decimal(UInt64(bound), places: 3).text
            while text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
            return text
        } + ["+Inf"]
}
