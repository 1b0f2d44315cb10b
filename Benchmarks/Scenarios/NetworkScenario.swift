internal import Primitives

/// The network layer by itself: what it costs beyond the bare loops, with no Kafka in it. What `produce` and `fetch`
/// need above this is the broker's own.
struct NetworkScenario: Scenario {
    let name = "network"
    let summary = "the network layer alone: receive+CRC+write and sendfile, beside the bare loops"

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        var figures: [Figure] = []
        for size in [16 << 10, 64 << 10, 1 << 20] {
            let count = bench.scaled(1 << 30) / size
            let (ours, limit) = try bench.compare { () throws(BenchmarkFailed) in
                try receiving(bench, size: size, count: count)
            } limit: { () throws(BenchmarkFailed) in
                try bareReceiving(bench, size: size, count: count)
            }
            figures.append(
                Figure(
                    what: "received in frames of \(size >> 10) KiB", unit: "CPU s/GB", ours: ours,
                    limit: limit))
        }
        figures.append(try smallRequests(bench))
        let total = bench.scaled(1024) * (1 << 20)
        let (ours, limit) = try bench.compare { () throws(BenchmarkFailed) in
            try sending(bench, total: total)
        } limit: { () throws(BenchmarkFailed) in
            try bareSendFile(bench, total: total)
        }
        figures.append(
            Figure(
                what: "pieces of a file, 1 MiB each", unit: "CPU s/GB", ours: ours, limit: limit))
        return figures
    }

    private func receiving(_ bench: Workbench, size: Int, count: Int)
        throws(BenchmarkFailed) -> Double
    {
        try bench.withDirectory { (directory) throws(BenchmarkFailed) in
            let served = try bench.startLimit(["network", directory + "/written"], in: directory)
            let pipeline = Pipeline(
                socket: try served.connect(), block: message(size), requestsABlock: 1,
                window: max(16, (4 << 20) / size), replyBytes: 12)
            _ = try pipeline.run(blocks: 16)
            let seconds = try served.processorSeconds { () throws(BenchmarkFailed) in
                _ = try pipeline.run(blocks: count)
            }
            return perGB(seconds, size * count)
        }
    }

    /// Each with a CRC and a write of its own, as a small produce request has.
    private func smallRequests(_ bench: Workbench) throws(BenchmarkFailed) -> Figure {
        let size = 180
        let perBlock = 128
        let blocks = bench.scaled(500_000) / perBlock
        var block = ByteWriter(capacity: perBlock * size)
        for _ in 0..<perBlock { block.write(raw: message(size - 4)) }
        let requests = block.finish()
        func seconds(_ loop: [String]) throws(BenchmarkFailed) -> Double {
            try bench.withDirectory { (directory) throws(BenchmarkFailed) in
                let served = try bench.startLimit(
                    [loop[0], directory + "/written"] + loop.dropFirst(), in: directory)
                let pipeline = Pipeline(
                    socket: try served.connect(), block: requests, requestsABlock: perBlock,
                    window: 1024, replyBytes: 12)
                _ = try pipeline.run(blocks: 16)
                return try served.processorSeconds { () throws(BenchmarkFailed) in
                    _ = try pipeline.run(blocks: blocks)
                }
            }
        }
        let (ours, limit) = try bench.compare { () throws(BenchmarkFailed) in
            try seconds(["network"])
        } limit: { () throws(BenchmarkFailed) in
            try seconds(["requests", String(size), "12"])
        }
        let count = Double(blocks * perBlock)
        return Figure(
            what: "requests of \(size) bytes", unit: "1/CPU s", ours: count / ours,
            limit: count / limit)
    }

    private func sending(_ bench: Workbench, total: Int) throws(BenchmarkFailed) -> Double {
        try bench.withDirectory { (directory) throws(BenchmarkFailed) in
            let path = try content(in: directory)
            let served = try bench.startLimit(["network", path], in: directory)
            let socket = try served.connect()
            let seconds = try served.processorSeconds { () throws(BenchmarkFailed) in
                for piece in 0..<total >> 20 {
                    var request = ByteWriter()
                    request.write(Int32(8))
                    request.write(Int64(piece % (contentBytes >> 20)) << 20)
                    try socket.send(request.finish())
                    try socket.discard(4 + (1 << 20))
                }
            }
            return perGB(seconds, total)
        }
    }
}

/// Receive, CRC, write and nothing else.
func bareReceiving(_ bench: Workbench, size: Int, count: Int) throws(BenchmarkFailed) -> Double {
    try bench.withDirectory { (directory) throws(BenchmarkFailed) in
        let served = try bench.startLimit(
            ["receive", directory + "/written", String(size)], in: directory)
        let socket = try served.connect()
        let block = message(size)
        let seconds = try served.processorSeconds { () throws(BenchmarkFailed) in
            for _ in 0..<count { try socket.send(block) }
            socket.endSending()
            try socket.discard(1)
        }
        return perGB(seconds, size * count)
    }
}

/// `sendfile` and nothing else.
func bareSendFile(_ bench: Workbench, total: Int) throws(BenchmarkFailed) -> Double {
    try bench.withDirectory { (directory) throws(BenchmarkFailed) in
        let path = try content(in: directory)
        let served = try bench.startLimit(
            ["sendfile", path, String(total), String(1 << 20)], in: directory)
        let seconds = try served.processorSeconds { () throws(BenchmarkFailed) in
            let socket = try served.connect()
            try socket.discard(total)
        }
        return perGB(seconds, total)
    }
}

func perGB(_ seconds: Double, _ bytes: Int) -> Double { seconds / (Double(bytes) / 1e9) }

private let contentBytes = 256 << 20

/// A file of zeros that lies in the page cache.
private func content(in directory: String) throws(BenchmarkFailed) -> String {
    let path = directory + "/content"
    do throws(FileError) {
        let file = try PosixFileSystem().open(path, .create)
        let piece = Bytes([UInt8](repeating: 0, count: 1 << 20))
        for position in stride(from: 0, to: contentBytes, by: piece.count) {
            try file.write(piece, at: position)
        }
    } catch { throw BenchmarkFailed("\(error)") }
    return path
}

/// `size` bytes behind their length.
private func message(_ size: Int) -> Bytes {
    var writer = ByteWriter(capacity: size + 4)
    writer.write(Int32(size))
    for index in 0..<size { writer.write(UInt8(truncatingIfNeeded: index &* 31 &+ index >> 8)) }
    return writer.finish()
}
