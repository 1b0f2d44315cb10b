internal import Glibc
internal import Server

exit(BrokerProcess.run(arguments: CommandLine.arguments))
