internal import Client
internal import Primitives

/// What a command that speaks to a cluster works with. Used by one task.
struct ClusterSession {
    let cluster: Cluster
    let shell: Shell
    let usesJSON: Bool
    /// When all that is asked of the cluster has to be done, but for records that are read and
    /// written, which have their own time.
    let deadline: MonotonicTime

    init(cluster: Cluster, shell: Shell, usesJSON: Bool) {
        self.cluster = cluster
        self.shell = shell
        self.usesJSON = usesJSON
        deadline = cluster.deadline
    }

    var admin: Admin { Admin(cluster, by: deadline) }
    var output: Output { shell.output }

    /// Says on standard error why something was not done; returns the code to end with.
    func say(_ error: any Error) -> ExitCode {
        // In the order in which it happened, where both go to a terminal, and when it happened.
        output.flush()
        defer { shell.errors.flush() }
        shell.errors.write("apus: \("\(error)".printable)")
        guard let error = error as? ClientError else {
            shell.errors.write("\n")
            return .failed
        }
        shell.errors.write("\(Self.hint(error))\n")
        return error.isUnreachable ? .unreachable : .failed
    }

    /// What can be done about it here, where the error does not say.
    private static func hint(_ error: ClientError) -> String {
        switch error {
        case .missing(.topic): "; apus topic list shows which there are"
        case .missing(.partition): "; apus topic describe shows which there are"
        case .missing(.group): "; apus group list shows which there are"
        default: ""
        }
    }
}
