internal import Glibc
internal import Primitives

/// Runs the inputs of one target, until it is killed, one of them breaks something, or the one
/// asked for has run. Before each input its number goes into a file, where the watching process
/// finds it. It stops when that process is gone, and `alarm` ends an input that takes too long.
struct FuzzWorker {
    /// Seconds after which an input is taken for one that never ends.
    static let limit: UInt32 = 10

    let options: FuzzOptions

    /// Returns whether all was well.
    func run() -> Bool {
        guard let target = options.targets.first, let path = options.worker else { return false }
        do {
            let progress = try PosixFileSystem().open(path, .create)
            let mutator = Mutator(target: target, seed: options.seed)
            var number = options.only ?? 0
            let parent = getppid()
            while getppid() == parent {
                alarm(Self.limit)
                var note = ByteWriter(capacity: 16)
                note.write(number)
                try progress.write(note.finish(), at: 0)
                try target.run(mutator.input(number))
                try checkMemory()
                if options.only != nil { return true }
                number += 1
            }
            return false
        } catch {
            StandardErrorLog(minimum: .error).write(.error, "\(target.name): \(error)")
            return false
        }
    }

    private func checkMemory() throws(FuzzTarget.Broken) {
        var usage = rusage()
        unsafe getrusage(CInt(RUSAGE_SELF.rawValue), &usage)
        let mebibytes = usage.ru_maxrss / 1024
        guard mebibytes <= options.memoryMebibytes else {
            throw FuzzTarget.Broken(
                description: "\(mebibytes) MiB in memory, \(options.memoryMebibytes) allowed")
        }
    }
}
