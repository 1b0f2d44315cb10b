internal import Glibc
internal import Server

exit(ControllerProcess.run(arguments: CommandLine.arguments))
