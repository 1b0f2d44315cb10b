internal import Coordination
internal import Primitives

/// Groups by kind and state, and how far they are behind.
extension ScrapeSource {
    func groupFamilies(_ survey: GroupSurvey) -> [MetricFamily] {
        countFamilies(survey) + [
            MetricFamily(
                "kafka_consumergroup_members", .gauge, "Members of the group.", survey.groups
            ) { group, writer in
                writer.label("consumergroup", group.id)
            } value: { group in
                .count(group.memberCount)
            },
            positions(
                "current_offset", "The offset that the group has committed: the next it will read.",
                survey.rows
            ) { $0.committed.rawValue },
            positions(
                "lag", "Offsets between what the group has committed and the high watermark.",
                survey.rows
            ) { $0.lag },
        ]
    }

    private func positions(
        _ name: String, _ help: String, _ rows: [GroupSurvey.Row],
        _ value: @escaping @Sendable (GroupSurvey.Row) -> Int64?
    ) -> MetricFamily {
        MetricFamily("kafka_consumergroup_\(name)", .gauge, help, rows) { row, writer in
            writer.label("consumergroup", row.group)
            writer.label("topic", row.partition.topic)
            writer.label("partition", String(row.partition.partition.rawValue))
        } value: { row in
            value(row).map { .count($0) }
        }
    }

    private func countFamilies(_ survey: GroupSurvey) -> [MetricFamily] {
        let types = ["classic", "consumer"].map { ($0, survey.count(type: $0)) }
        let states = ["Empty", "Assigning", "Reconciling", "Stable"].map {
            ($0.lowercased(), survey.count(type: "consumer", state: $0))
        }
        func classic(_ name: String, _ help: String, _ count: Int) -> MetricFamily {
            MetricFamily(
                "kafka_coordinator_group_groupmetadatamanager_\(name)", .gauge, help,
                .count(count))
        }
        return [
            MetricFamily(
                "kafka_server_group_coordinator_metrics_group_count", .gauge,
                "Groups, by the protocol of their members.", types
            ) { entry, writer in
                writer.label("protocol", entry.0)
            } value: { entry in
                .count(entry.1)
            },
            MetricFamily(
                "kafka_server_group_coordinator_metrics_consumer_group_count", .gauge,
                "Groups of the new protocol, by state.", states
            ) { entry, writer in
                writer.label("state", entry.0)
            } value: { entry in
                .count(entry.1)
            },
            classic("numgroups", "Groups of the classic protocol.", types[0].1),
            classic("numoffsets", "Offsets committed, of all groups.", survey.rows.count),
        ]
            + ["PreparingRebalance", "CompletingRebalance", "Stable", "Empty"].map { state in
                classic(
                    "numgroups\(state.lowercased())", "Groups of the classic protocol in \(state).",
                    survey.count(type: "classic", state: state))
            }
    }
}
