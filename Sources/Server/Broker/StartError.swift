internal import Coordination
internal import LogCore
internal import Networking

/// Why a broker did not start: a sentence for standard error.
package enum StartError: Error, Sendable, CustomStringConvertible {
    case meta(String)
    case log(String)
    case metadata(String)
    case network(String)

    package var description: String {
        switch self {
        case .meta(let text), .log(let text), .metadata(let text), .network(let text): text
        }
    }

    init(_ error: MetaPropertiesError) { self = .meta("\(error)") }
    init(_ error: LogError) { self = .log("\(error)") }
    init(_ error: MetadataLogError) { self = .metadata("\(error)") }
    init(_ error: NetworkError) { self = .network("\(error)") }
}
