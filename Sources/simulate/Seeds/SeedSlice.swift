internal import Glibc

/// A slice of seeds in a worker process, seen from the process that started it.
final class SeedSlice {
    /// Lines before a result that are kept, against a worker that does not stop to talk.
    private static let keptLines = 200

    let process: WorkerProcess
    private let limit: UInt32
    /// Those without a result; they come in order.
    private var seeds: ClosedRange<UInt64>?
    /// What was said since the last result.
    private var text: [String] = []
    /// A line that has no end yet.
    private var pending: [UInt8] = []

    init(_ seeds: ClosedRange<UInt64>, limit: UInt32) throws(WorkerProcess.NotStarted) {
        self.seeds = seeds
        self.limit = limit
        // The last --worker counts, and the rest is as this process was told.
        let slice = ["--worker", "\(seeds.lowerBound)..\(seeds.upperBound)"]
        process = try WorkerProcess(CommandLine.arguments.dropFirst() + slice, isHeard: true)
    }

    /// Takes what the worker says next, and waits for it; returns false at the end of it.
    func read(_ each: (UInt64, SeedResult) -> Void) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = unsafe Glibc.read(process.output, &chunk, chunk.count)
        if count < 0 && errno == EINTR { return true }
        guard count > 0 else { return false }
        pending += chunk[..<count]
        while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
            take(String(decoding: pending[..<end], as: UTF8.self), each)
            pending.removeFirst(end + 1)
        }
        return true
    }

    private func take(_ line: String, _ each: (UInt64, SeedResult) -> Void) {
        guard let seeds, let result = SeedResult(line, of: seeds.lowerBound, after: text) else {
            if text.count < Self.keptLines { text.append(line) }
            return
        }
        text = []
        each(seeds.lowerBound, result)
        self.seeds = Self.rest(of: seeds)
    }

    /// Waits for the end of the worker, which is at fault if seeds are left; those that another one
    /// has to run. After its last result nothing of the server runs in it.
    func end(_ each: (UInt64, SeedResult) -> Void) -> ClosedRange<UInt64>? {
        let end = process.wait()
        guard let seeds else { return nil }
        let reason = end.failure(limit: limit) ?? "its process ended before it did"
        each(seeds.lowerBound, .failed((text + [reason]).joined(separator: "\n")))
        return Self.rest(of: seeds)
    }

    /// All but the first.
    private static func rest(of seeds: ClosedRange<UInt64>) -> ClosedRange<UInt64>? {
        seeds.lowerBound < seeds.upperBound ? seeds.lowerBound + 1...seeds.upperBound : nil
    }
}
