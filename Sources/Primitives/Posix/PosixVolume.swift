internal import CPlatform
internal import Glibc

/// A file system of the machine, held by a descriptor on one of its directories.
///
/// The descriptor lives as long as the object because the kernel reports a failed write-back once
/// to each descriptor that was open when it happened.
final class PosixVolume: Volume {
    private let path: String
    private let descriptor: CInt

    /// nil where one call for the whole file system says too little (see `apus_can_syncfs`).
    init?(holding path: String) throws(FileError) {
        let opened = retrying { unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard opened >= 0 else { throw .last("open directory", path) }
        self.path = path
        descriptor = opened
        if apus_can_syncfs(opened) == 0 { return nil }
    }

    deinit { close(descriptor) }

    func synchronize() throws(FileError) {
        guard apus_syncfs(descriptor) == 0 else { throw .last("sync file system", path) }
    }
}
