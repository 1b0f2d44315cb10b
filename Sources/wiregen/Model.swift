/// Versions of a message, both ends included.
package typealias Versions = ClosedRange<Int>

/// What a definition file says, in a form that no longer knows about text.
package struct Definition {
    package enum Kind: Equatable {
        /// A request and its response, with the API key.
        case api(Int)
        /// A record of the metadata log, with its type.
        case metadata(Int)
        /// Key and value of a record in an internal topic, with the type that opens the key.
        case keyed(Log, Int)
        /// A layout on its own: control records, client-side group protocols, files.
        case data
    }

    /// The internal topics whose records carry a type in their key.
    package enum Log: String, CaseIterable {
        case group, transaction, share
    }

    /// Path below the definitions' folder, with `/`.
    package var path: String
    package var comment: [String]
    package var kind: Kind
    package var name: String
    package var versions: Versions
    /// The first version with compact lengths and tagged fields; nil where no version has them.
    package var firstFlexible: Int?
    package var listeners: [String]
    /// Further record types that stand for the same key.
    package var aliases: [Int]
    package var sections: [Section]
}

/// One message: a Swift structure with the structures nested in it.
package struct Section {
    package enum Role: String {
        case request, response, record, key, value, data
    }

    package var role: Role
    package var swiftName: String
    package var versions: Versions
    package var firstFlexible: Int?
    package var root: Structure
    /// Every nested structure, in order of appearance; names are unique.
    package var nested: [Structure]

    package func structure(named name: String) -> Structure? {
        nested.first { $0.name == name }
    }
}

package struct Structure {
    package var name: String
    package var comment: [String]
    /// The versions of the message in which the structure can occur.
    package var versions: Versions
    package var fields: [Field]
}

package struct Field {
    package enum Base: Equatable {
        case integer(String)
        case float64, bool, string, uuid, bytes, records
        case structure(String)
    }

    package var name: String
    package var comment: [String]
    package var base: Base
    package var isArray: Bool
    /// Swift type is an optional; `nullable` says in which versions null may go over the wire.
    package var isOptional: Bool { nullable != nil }
    package var nullable: Versions?
    package var initial: Initial
    package var versions: Versions
    package var tag: Int?
    package var line: Int
}

/// The value that a field has before anything is assigned, as Kafka has it.
package enum Initial: Equatable {
    /// Zero, false, empty, or the structure's own initial value.
    case empty
    case null
    case number(Int64)
    case bool(Bool)
}

/// One error code of the protocol.
package struct ErrorDefinition {
    package var code: Int
    package var name: String
    package var isRetriable: Bool
    package var message: String
}
