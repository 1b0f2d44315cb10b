/// The process, under the names that all of Prometheus' own clients use.
extension ScrapeSource {
    /// None where the system does not tell.
    func processFamilies(_ usage: ProcessUsage?) -> [MetricFamily] {
        guard let usage else { return [] }
        let start = processStart.map { start in
            MetricFamily(
                "process_start_time_seconds", .gauge,
                "When the process started, in seconds since 1970.",
                .decimal(UInt64(max(start, 0)), places: 3))
        }
        return [
            MetricFamily(
                "process_cpu_seconds_total", .counter, "Processor time used, in seconds.",
                .decimal(usage.processorHundredths, places: 2)),
            MetricFamily(
                "process_resident_memory_bytes", .gauge, "Memory in use.",
                .integer(usage.residentBytes)),
            MetricFamily(
                "process_open_fds", .gauge, "Files and sockets that are open.",
                .count(usage.openDescriptors)),
            MetricFamily(
                "process_max_fds", .gauge, "Files and sockets that may be open.",
                .count(usage.descriptorLimit)),
        ] + (start.map { [$0] } ?? [])
    }
}
