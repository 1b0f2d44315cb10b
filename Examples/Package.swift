// swift-tools-version: 6.2
import PackageDescription

// In a package of your own the dependency is this repository's address instead of a path.
let package = Package(
    name: "Examples",
    dependencies: [.package(name: "apus", path: "..")],
    targets: [
        .executableTarget(
            name: "Orders", dependencies: [.product(name: "LogCore", package: "apus")])
    ]
)
