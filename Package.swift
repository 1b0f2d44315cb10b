// swift-tools-version: 6.2
import PackageDescription

/// One set of rules for every target: Swift 6, every unsafe use marked, no warning left standing.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

func module(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, exclude: ["README.md"] + exclude,
        swiftSettings: settings)
}

func executable(
    _ name: String, _ dependencies: [Target.Dependency], path: String? = nil,
    exclude: [String] = []
) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: path, exclude: ["README.md"] + exclude,
        swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

let package = Package(
    name: "apus",
    products: [
        .library(name: "LogCore", targets: ["LogCore"]),
        .executable(name: "brokerd", targets: ["brokerd"]),
        .executable(name: "controllerd", targets: ["controllerd"]),
        .executable(name: "apus", targets: ["apus"]),
        .executable(name: "wiregen", targets: ["wiregen"]),
        .executable(name: "simulate", targets: ["simulate"]),
    ],
    targets: [
        .target(name: "CPlatform"),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),

        module("Primitives", ["CPlatform"]),
        module("RecordFormat", ["Primitives", "CZstd", "CLZ4"]),
        module("LogCore", ["RecordFormat", "Primitives"]),
        module("WireProtocol", ["Primitives"], exclude: ["Definitions"]),
        module("Networking", ["Primitives", "CPlatform"]),
        module("Coordination", ["WireProtocol", "RecordFormat", "Primitives"]),
        module("Replication", ["RecordFormat", "Primitives"]),
        module(
            "Server",
            [
                "Coordination", "Replication", "LogCore", "WireProtocol", "Networking",
                "RecordFormat", "Primitives",
            ]),

        module(
            "Simulation",
            ["Server", "LogCore", "Networking", "WireProtocol", "RecordFormat", "Primitives"]),

        module("Client", ["WireProtocol", "Networking", "RecordFormat", "Primitives"]),

        executable("brokerd", ["Server"]),
        executable("controllerd", ["Server"]),
        executable("wiregen", []),
        executable("apus", ["Client", "LogCore", "RecordFormat", "Primitives"]),
        executable(
            "simulate",
            [
                "Simulation", "Server", "LogCore", "Networking", "WireProtocol", "RecordFormat",
                "Primitives",
            ]),
        executable(
            "Benchmarks",
            [
                "Server", "LogCore", "Networking", "WireProtocol", "RecordFormat", "Primitives",
                "CPlatform",
            ],
            path: "Benchmarks", exclude: ["RESULTS.md"]),

        tests("PrimitivesTests", ["Primitives"]),
        tests("RecordFormatTests", ["RecordFormat", "Primitives"]),
        tests(
            "WireProtocolTests", ["WireProtocol", "wiregen", "Primitives"], exclude: ["Golden"]),
        tests("LogCoreTests", ["LogCore", "RecordFormat", "Primitives"]),
        tests("NetworkingTests", ["Networking", "Primitives"]),
        tests("ReplicationTests", ["Replication", "Primitives"]),
        tests("CoordinationTests", ["Coordination", "WireProtocol", "RecordFormat", "Primitives"]),
        tests(
            "ServerTests",
            [
                "Server", "Coordination", "LogCore", "WireProtocol", "Networking", "RecordFormat",
                "Primitives",
            ]),
        tests(
            "SimulationTests",
            [
                "simulate", "Simulation", "WireProtocol", "Networking", "LogCore",
                "RecordFormat", "Primitives",
            ]),
        .target(
            name: "BrokerHarness",
            dependencies: ["Server", "Client", "WireProtocol", "Networking", "Primitives"],
            path: "Tests/BrokerHarness", swiftSettings: settings),
        tests(
            "ClientTests",
            ["BrokerHarness", "Client", "WireProtocol", "Networking", "RecordFormat", "Primitives"]
        ),
        tests(
            "ApusTests",
            ["apus", "BrokerHarness", "Client", "LogCore", "RecordFormat", "Primitives"]),
        tests("TidyTests", []),
    ]
)
