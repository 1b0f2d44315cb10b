/// `apus group`: consumer groups of a cluster.
enum GroupCommands {
    static var family: CommandFamily {
        CommandFamily(
            name: "apus group",
            commands: [
                ("list", GroupList.self), ("describe", GroupDescribe.self),
                ("reset-offsets", GroupResetOffsets.self), ("delete", GroupDelete.self),
            ], help: help)
    }

    private static let help = """
        usage: apus group list|describe|reset-offsets|delete [OPTION]... [GROUP]...

        list                   groups with state and type, of all brokers
          --state STATE        only those in this state: Stable, Empty, ...
        describe GROUP...      members, what they read, committed offsets, ends and lag
          --all                all groups
        reset-offsets GROUP    shows where the group would go on; it must have no members
          --topic TOPIC[:PARTITIONS]  partitions as in 0,2,5-7; may be repeated
          --all-topics         all partitions of which it has stored offsets
          --to-earliest, --to-latest  the first record there is, or behind the last
          --to-offset N        this offset
          --shift-by N         so many records on, or back where N is below zero
          --to-datetime T      the first record from T on: 2024-05-01T10:30:00Z, or milliseconds
          --by-duration D      the first record of the last 90s, 15m, 1h, 7d
          --execute            stores the offsets; without it nothing is changed
        delete GROUP...        shows what would be deleted: the group and its offsets
          --execute            deletes them; without it nothing is changed

        all of them
        \(ClusterOptions.help)
        """
}
