import Testing

@Suite("Modules know only those below them")
struct ImportTests {
    /// The arrows of the design. A module that is not here has no arrows.
    private static let arrows: [String: Set<String>] = [
        "Primitives": ["CPlatform"],
        "RecordFormat": ["Primitives", "CZstd", "CLZ4"],
        "LogCore": ["RecordFormat", "Primitives"],
        "WireProtocol": ["Primitives"],
        "Networking": ["Primitives", "CPlatform"],
        "Coordination": ["WireProtocol", "RecordFormat", "Primitives"],
        "Replication": ["RecordFormat", "Primitives"],
        "Server": [
            "Coordination", "Replication", "LogCore", "WireProtocol", "Networking", "RecordFormat",
            "Primitives",
        ],
        "Client": ["WireProtocol", "Networking", "RecordFormat", "Primitives"],
        "Simulation": [
            "Server", "LogCore", "Networking", "WireProtocol", "RecordFormat", "Primitives",
        ],
        "brokerd": ["Server"],
        "controllerd": ["Server"],
        "apus": ["Client", "LogCore", "RecordFormat", "Primitives"],
        "simulate": [
            "Simulation", "Server", "LogCore", "Networking", "WireProtocol", "RecordFormat",
            "Primitives",
        ],
        "wiregen": [],
        "Benchmarks": [
            "Server", "Client", "LogCore", "Networking", "WireProtocol", "RecordFormat",
            "Primitives", "CPlatform",
        ],
    ]

    /// What comes with the compiler and costs nothing at start.
    private static let toolchain: Set<String> = [
        "Swift", "Glibc", "Musl", "Darwin", "Dispatch", "Synchronization",
    ]

    @Test("every import is an arrow of the design")
    func arrows() {
        var found: [String] = []
        for file in SourceTree.shipped {
            for (index, line) in file.code.enumerated() {
                guard let module = importedModule(line) else { continue }
                let allowed = Self.arrows[file.module] ?? []
                if !allowed.contains(module), !Self.toolchain.contains(module) {
                    found.append(file.at(index, "\(file.module) may not import \(module)"))
                }
            }
        }
        #expect(found.isEmpty, "\n\(found.joined(separator: "\n"))")
    }

    @Test("every module that exists has its arrows")
    func known() {
        let unknown = SourceTree.modules.filter { Self.arrows[$0] == nil }
        #expect(unknown.isEmpty)
    }

    @Test(
        "an import is found in any of its forms",
        arguments: [
            ("import A", "A"), ("internal import A", "A"), ("@testable import A", "A"),
            ("package import struct A.B", "A"), ("@preconcurrency internal import A", "A"),
            ("let important = 1", nil), ("case import", nil), ("  import A.B", "A"),
        ] as [(String, String?)])
    func forms(line: String, module: String?) {
        #expect(importedModule(line) == module)
    }
}

/// The module that a line of code imports.
private func importedModule(_ line: String) -> String? {
    let words = line.split(separator: " ").map(String.init)
    guard let place = words.firstIndex(of: "import"),
        words[..<place].allSatisfy({ $0.hasPrefix("@") || accessLevels.contains($0) })
    else { return nil }
    let rest = words[(place + 1)...].drop(while: importKinds.contains)
    return rest.first?.split(separator: ".").first.map(String.init)
}

private let accessLevels: Set<String> = [
    "public", "package", "internal", "fileprivate", "private",
]
private let importKinds: Set<String> = [
    "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
]
