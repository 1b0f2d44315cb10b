internal import Glibc

/// The command's entry: hands the command line to the command it names.
@main
enum Apus {
    /// `EX_USAGE` of sysexits: the command line makes no sense.
    private static let usageExit: CInt = 64

    static func main() {
        let usage = "usage: apus log dump|verify|stat PATH...\n"
        _ = unsafe Array(usage.utf8).withUnsafeBytes { text in
            unsafe write(STDERR_FILENO, text.baseAddress, text.count)
        }
        exit(usageExit)
    }
}
