internal import LogCore
internal import Primitives
internal import RecordFormat
internal import Simulation

/// Targets in `LogCore`: a small log directory of which one file is anything.
///
/// An input: a byte that chooses the file among those of the target (and, with its highest bit set,
/// asks that checksums in it be mended, so that damage behind them is met too), then the content.
enum LogTargets {
    static let all: [FuzzTarget] = [
        target("segments", "segment files") { $0.hasSuffix(".log") },
        target("indexes", "indexes of offsets, times and aborted transactions") {
            $0.hasSuffix(".index") || $0.hasSuffix(".timeindex") || $0.hasSuffix(".txnindex")
        },
        target("snapshots", "snapshots of producers") { $0.hasSuffix(".snapshot") },
        target("checkpoints", "checkpoints, metadata of the partition, marker of a clean stop") {
            $0.hasSuffix("-checkpoint") || $0.hasSuffix(".metadata")
                || $0.hasSuffix("cleanshutdown")
        },
    ]

    private static func target(
        _ name: String, _ about: String, _ isOurs: @escaping @Sendable (String) -> Bool
    ) -> FuzzTarget {
        FuzzTarget(
            name: "log/\(name)", about: "open, read and continue a log with damaged \(about)",
            examples: {
                guard let template = LogTemplate.shared else { return [] }
                return template.paths(isOurs).enumerated().flatMap { number, path in
                    let content = template.clean.content(path) ?? []
                    return [UInt8(number), 0x80 | UInt8(number)].map { Bytes([$0] + content) }
                }
            },
            run: { bytes throws(FuzzTarget.Broken) in
                guard let template = LogTemplate.shared else {
                    throw FuzzTarget.Broken(description: "the log to damage cannot be made")
                }
                guard bytes.count > 0 else { return }
                let paths = template.paths(isOurs)
                let path = paths[Int(bytes[0] & 0x7f) % paths.count]
                var content = bytes.slice(1..<bytes.count).array
                if bytes[0] & 0x80 != 0 { mend(&content, path) }
                for state in LogTrial.State.allCases {
                    try LogTrial(template, path: path, content: content, state: state).run()
                }
            })
    }

    // MARK: Checksums

    private static func mend(_ content: inout [UInt8], _ path: String) {
        if path.hasSuffix(".log") {
            let bytes = Bytes(content)
            var position = 0
            while bytes.count - position >= RecordBatchHeader.size {
                let length = 12 + Int(bytes.load(at: position + 8, as: Int32.self))
                guard length >= RecordBatchHeader.size, length <= bytes.count - position else {
                    break
                }
                let sum = CRC32C.checksum(bytes.slice(position + 21..<position + length))
                bytes.overwrite(sum, at: position + 17)
                position += length
            }
            content = bytes.array
        } else if path.hasSuffix(".snapshot"), content.count >= 6 {
            let bytes = Bytes(content)
            bytes.overwrite(CRC32C.checksum(bytes.slice(6..<bytes.count)), at: 2)
            content = bytes.array
        }
    }
}
