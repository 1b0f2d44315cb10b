// The only Foundation in the package: walking the source tree is all it is used for.
import Foundation

/// A Swift file of the repository.
struct SourceFile: Sendable {
    /// From the repository's root, for messages.
    let path: String
    /// As written.
    let lines: [String]
    /// The same lines with comments and the contents of string literals blanked out; as written
    /// where the file is generated, which is long and looked at for its imports only.
    let code: [String]

    init(path: String, text: String) {
        self.path = path
        lines = text.components(separatedBy: "\n")
        code =
            path.contains("/Generated/")
            ? lines : CodeOnly.blank(text).components(separatedBy: "\n")
    }

    var components: [String] { path.components(separatedBy: "/") }
    /// The folder under Sources; "Benchmarks" for those.
    var module: String { components[0] == "Sources" ? components[1] : components[0] }
    var isGenerated: Bool { components.contains("Generated") }

    /// A message about line `index`, counted from 0.
    func at(_ index: Int, _ message: String) -> String { "\(path):\(index + 1): \(message)" }
}

/// The repository's own files.
enum SourceTree {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// What ships, and what measures it.
    static let shipped = swiftFiles(in: "Sources") + swiftFiles(in: "Benchmarks")
    static let tests = swiftFiles(in: "Tests")

    /// Modules with Swift in them.
    static let modules = Set(shipped.map(\.module)).sorted()

    static func text(_ path: String) -> String? {
        try? String(contentsOfFile: root + "/" + path, encoding: .utf8)
    }

    private static func swiftFiles(in folder: String) -> [SourceFile] {
        let names = FileManager.default.enumerator(atPath: root + "/" + folder)?.allObjects ?? []
        return names.compactMap { $0 as? String }
            .filter { $0.hasSuffix(".swift") && !$0.hasPrefix(".") && !$0.contains("/.") }
            .sorted()
            .compactMap { name in
                let path = folder + "/" + name
                return text(path).map { SourceFile(path: path, text: $0) }
            }
    }
}

/// Whether `word` stands in `line` with no letter, digit or underscore beside it.
///
/// - Parameter member: whether it counts as a member of something too, after a dot.
func contains(_ word: String, in line: String, asMember member: Bool = true) -> Bool {
    let bytes = Array(line.utf8)
    let wanted = Array(word.utf8)
    guard bytes.count >= wanted.count else { return false }
    for start in 0...(bytes.count - wanted.count) where bytes[start...].starts(with: wanted) {
        let before = start > 0 ? bytes[start - 1] : UInt8(ascii: " ")
        let end = start + wanted.count
        let after = end < bytes.count ? bytes[end] : UInt8(ascii: " ")
        let isMember = before == UInt8(ascii: ".")
        let ends = !isWordByte(wanted[wanted.count - 1]) || !isWordByte(after)
        if !isWordByte(before), ends, member || !isMember { return true }
    }
    return false
}

func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f: true
    default: byte >= 0x80
    }
}
