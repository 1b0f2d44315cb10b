internal import Primitives

/// Reads a partition's segments in pieces and computes their CRC, and nothing else.
func readAndSum(
    logsIn directory: String, piece: Int = 64 << 10
) throws(BenchmarkFailed) {
    let files = PosixFileSystem()
    let buffer = ByteStorage(capacity: piece)
    defer { withExtendedLifetime(buffer) {} }
    do throws(FileError) {
        for name in try files.list(directory) where name.hasSuffix(".log") {
            let file = try files.open("\(directory)/\(name)", .read)
            var position = 0
            while true {
                let memory = unsafe buffer.unsafeMutable
                let got = unsafe try file.read(into: memory, at: position)
                if got == 0 { break }
                _ = unsafe CRC32C.checksum(UnsafeRawBufferPointer(memory))
                position += got
            }
        }
    } catch { throw BenchmarkFailed("\(error)") }
}
