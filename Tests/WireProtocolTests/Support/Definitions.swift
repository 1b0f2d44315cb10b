internal import Primitives
internal import WireProtocol
internal import wiregen

/// The checked-in definitions and generated code of this checkout.
enum Checkout {
    /// The package's folder: four parts above this file.
    static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        .dropLast(4).joined(separator: "/")
    static let wireProtocol = root + "/Sources/WireProtocol"

    static func generator() throws -> Generator {
        try Generator(try textFiles(below: wireProtocol + "/Definitions", suffix: ".wire"))
    }

    /// One message of every definition in every version.
    static func messages() throws -> [VersionedSection] {
        try generator().definitions.flatMap { definition in
            definition.sections.flatMap { section in
                section.versions.map { VersionedSection(section: section, version: Int16($0)) }
            }
        }
    }
}

/// A message in one version.
struct VersionedSection: CustomStringConvertible {
    let section: Section
    let version: Int16

    var description: String { "\(section.swiftName) version \(version)" }

    /// The generated structure for the section.
    func type() throws -> any VersionedMessage.Type {
        guard let type = Self.types[section.swiftName] else {
            throw MissingType(name: section.swiftName)
        }
        return type
    }

    struct MissingType: Error { let name: String }

    private static let types = Dictionary(
        uniqueKeysWithValues: AllMessages.types.map { ($0.name, $0.type) })
}
