internal import Glibc
internal import Server

let result = DaemonCommandLine(.brokerd).parse(Array(CommandLine.arguments.dropFirst()))
exit(result.finish() ?? 1)
