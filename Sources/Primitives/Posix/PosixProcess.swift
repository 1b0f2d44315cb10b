internal import Glibc

/// The process itself: its standard streams and the machine it runs on.
public enum PosixProcess {
    public enum Stream: Sendable { case output, error }

    /// Writes all of `text`. What cannot be written is dropped: there is nowhere to report it.
    public static func write(_ text: String, to stream: Stream) {
        _ = write(Bytes(text), to: stream)
    }

    /// Writes all of `bytes`; returns why not, where part of it could not be written.
    public static func write(_ bytes: Bytes, to stream: Stream) -> FileError? {
        let descriptor = stream == .output ? STDOUT_FILENO : STDERR_FILENO
        return unsafe bytes.withUnsafeBytes { bytes in
            var rest = unsafe bytes[...]
            while unsafe !rest.isEmpty {
                let part = unsafe UnsafeRawBufferPointer(rebasing: rest)
                let written = unsafe Glibc.write(descriptor, part.baseAddress, part.count)
                if written < 0 && errno == EINTR { continue }
                guard written > 0 else { return .last("write", "standard \(stream)") }
                unsafe rest = unsafe rest.dropFirst(written)
            }
            return nil
        }
    }

    /// What comes next from standard input, empty at its end. Blocks until there is something.
    public static func readInput(atMost count: Int) -> Result<Bytes, FileError> {
        let storage = ByteStorage(capacity: count)
        while true {
            let got = unsafe Glibc.read(STDIN_FILENO, storage.unsafeMutable.baseAddress, count)
            if got >= 0 { return .success(storage.bytes(0..<got)) }
            if errno != EINTR { return .failure(.last("read", "standard input")) }
        }
    }

    /// A write to a pipe that nobody reads is an error value from here on, not a signal.
    public static func ignoreClosedPipes() { signal(SIGPIPE, SIG_IGN) }

    /// The directory that relative paths start from; nil where it cannot be told.
    public static func workingDirectory() -> String? {
        guard let path = unsafe getcwd(nil, 0) else { return nil }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    /// The machine's name as it knows itself, or nil where it has none.
    public static func hostName() -> String? {
        // Linux' names have 64 bytes at most; the last byte stays 0 for those that are cut.
        var name = [CChar](repeating: 0, count: 256)
        let status = unsafe name.withUnsafeMutableBufferPointer { buffer -> CInt in
            guard let base = buffer.baseAddress else { return -1 }
            return unsafe gethostname(base, buffer.count - 1)
        }
        guard status == 0 else { return nil }
        let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.isEmpty ? nil : text
    }
}
