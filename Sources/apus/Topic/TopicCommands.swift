/// `apus topic`: topics of a cluster.
enum TopicCommands {
    static var family: CommandFamily {
        CommandFamily(
            name: "apus topic",
            commands: [
                ("list", TopicList.self), ("create", TopicCreate.self),
                ("describe", TopicDescribe.self), ("alter", TopicAlter.self),
                ("delete", TopicDelete.self),
            ], help: help)
    }

    private static let help = """
        usage: apus topic list|create|describe|alter|delete [OPTION]... [TOPIC]...

        list                   topics, their partitions and replicas
          --internal           those of the cluster's own, too
        create TOPIC
          --partitions N, --replication-factor N    else as the cluster has it by default
          --config NAME=VALUE  a setting; may be repeated
          --if-not-exists      one that exists is no failure, and stays as it is
        describe TOPIC...      settings of its own; leader, replicas and offsets of each partition
          --all-settings       those that hold for all topics, too
        alter TOPIC
          --partitions N       so many in all; keys may go to other partitions from then on
          --config NAME=VALUE, --delete-config NAME    may be repeated
        delete TOPIC...        with all records, at once

        all of them
        \(ClusterOptions.help)
        """
}
