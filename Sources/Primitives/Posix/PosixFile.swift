internal import Glibc

/// A file of the machine. It has no state beside its descriptor, which is closed with the last
/// reference.
final class PosixFile: File {
    let path: String
    private let openDescriptor: CInt

    init(path: String, openDescriptor: CInt) {
        self.path = path
        self.openDescriptor = openDescriptor
    }

    deinit { close(openDescriptor) }

    var descriptor: CInt? { openDescriptor }

    func size() throws(FileError) -> Int {
        var status = stat()
        guard unsafe fstat(openDescriptor, &status) == 0 else { throw .last("stat", path) }
        return Int(status.st_size)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) throws(FileError) -> Int
    {
        var done = 0
        while done < buffer.count {
            let got = unsafe pread(
                openDescriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done,
                off_t(position + done))
            if got == 0 { break }
            if got < 0 {
                if errno == EINTR { continue }
                throw .last("read \(buffer.count) bytes at \(position)", path)
            }
            done += got
        }
        return done
    }

    func write(_ chunks: [Bytes], at position: Int) throws(FileError) {
        if chunks.count == 1 { return try write(chunks[0], from: 0, at: position) }
        var index = 0
        var offset = 0
        var place = position
        while index < chunks.count {
            let written = try writeSome(chunks[index...], skipping: offset, at: place)
            place += written
            offset += written
            while index < chunks.count, offset >= chunks[index].count {
                offset -= chunks[index].count
                index += 1
            }
        }
    }

    private func write(_ chunk: Bytes, from start: Int, at position: Int) throws(FileError) {
        var done = start
        while done < chunk.count {
            let written = unsafe chunk.withUnsafeBytes { memory in
                unsafe pwrite(
                    openDescriptor, memory.baseAddress.map { unsafe $0 + done },
                    memory.count - done,
                    off_t(position + done))
            }
            if written < 0 {
                if errno == EINTR { continue }
                throw .last("write \(chunk.count) bytes at \(position)", path)
            }
            done += written
        }
    }

    /// One `pwritev` of as many chunks as one call takes; returns what it wrote.
    private func writeSome(
        _ chunks: ArraySlice<Bytes>, skipping offset: Int, at position: Int
    ) throws(FileError) -> Int {
        var vectors: [iovec] = unsafe []
        // IOV_MAX on Linux, a macro that Swift does not see.
        let batch = chunks.prefix(1024)
        unsafe vectors.reserveCapacity(batch.count)
        for (number, chunk) in batch.enumerated() {
            let skip = number == 0 ? offset : 0
            unsafe chunk.withUnsafeBytes { memory in
                // The addresses outlive this closure: `chunks` holds the storage until the call
                // below is done.
                unsafe vectors.append(
                    iovec(
                        iov_base: UnsafeMutableRawPointer(
                            mutating: memory.baseAddress.map { unsafe $0 + skip }),
                        iov_len: memory.count - skip))
            }
        }
        while true {
            let written = unsafe pwritev(
                openDescriptor, vectors, CInt(vectors.count), off_t(position))
            if written >= 0 {
                withExtendedLifetime(chunks) {}
                return written
            }
            if errno == EINTR { continue }
            throw .last("write \(batch.count) chunks at \(position)", path)
        }
    }

    func truncate(to size: Int) throws(FileError) {
        guard retrying({ ftruncate(openDescriptor, off_t(size)) }) == 0 else {
            throw .last("truncate to \(size)", path)
        }
    }

    func synchronize() throws(FileError) {
        guard fdatasync(openDescriptor) == 0 else { throw .last("sync", path) }
    }
}
