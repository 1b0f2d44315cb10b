/// How the protocol's names and types read in Swift.

private let reserved: Set<String> = [
    "as", "break", "case", "class", "continue", "default", "defer", "do", "else", "enum",
    "extension", "fallthrough", "false", "for", "func", "guard", "if", "import", "in", "init",
    "inout", "internal", "is", "let", "nil", "operator", "private", "protocol", "public",
    "repeat", "return", "self", "static", "struct", "subscript", "super", "switch", "throw",
    "throws", "true", "try", "typealias", "var", "where", "while",
]

/// In backquotes where Swift needs them.
func escaped(_ name: String) -> String { reserved.contains(name) ? "`\(name)`" : name }

/// `ProducerIds` → `producerIds`.
func lowerFirst(_ name: String) -> String { name.prefix(1).lowercased() + name.dropFirst() }

/// `NOT_COORDINATOR` → `notCoordinator`.
func camelCase(_ name: String) -> String {
    let words = name.lowercased().split(separator: "_")
    return words.enumerated().map { index, word in
        index == 0 ? String(word) : word.prefix(1).uppercased() + word.dropFirst()
    }.joined()
}

extension Field {
    /// The Swift type of one element, or of the field when it is no array.
    var elementType: String {
        switch base {
        case .integer(let type):
            type.hasPrefix("u") ? "UI" + type.dropFirst(2) : "I" + type.dropFirst()
        case .float64: "Double"
        case .bool: "Bool"
        case .string: "String"
        case .uuid: "UUID128"
        case .bytes: "Bytes"
        case .records: "Payload"
        case .structure(let name): name
        }
    }

    /// Records are optional everywhere: their initial value is null whatever the version allows.
    var swiftType: String {
        let type = isArray ? "[\(elementType)]" : elementType
        return isOptional || base == .records ? type + "?" : type
    }

    var swiftName: String { escaped(name) }

    /// The declaration's initial value; nil where Swift's nil does.
    var swiftInitial: String? {
        switch initial {
        case .null: nil
        case .number(let number): String(number)
        case .bool(let value): String(value)
        case .empty:
            if isArray {
                "[]"
            } else {
                switch base {
                case .integer, .float64: "0"
                case .bool: "false"
                case .string: "\"\""
                case .uuid: ".zero"
                case .bytes: ".empty"
                case .records: nil
                case .structure(let name): name + "()"
                }
            }
        }
    }

    /// The field inside `init(from:version:)` and `encode`, where some names mean something else.
    var access: String { locals.contains(name) ? "self." + name : swiftName }

    /// A Swift condition that holds when the field differs from its initial value, or with
    /// `equal` when it does not.
    func comparison(equal: Bool) -> String {
        let (yes, no, sign) = equal ? ("", "!", "==") : ("!", "", "!=")
        if initial == .null { return "\(access) \(sign) nil" }
        if isOptional { return "\(access)?.isEmpty \(sign) true" }
        if isArray { return "\(yes)\(access).isEmpty" }
        switch base {
        case .integer, .float64, .uuid: return "\(access) \(sign) \(swiftInitial ?? "0")"
        case .bool: return (initial == .bool(true) ? yes : no) + access
        case .string, .bytes: return "\(yes)\(access).isEmpty"
        case .structure: return "\(yes)\(access).isInitial"
        case .records: return "\(access) \(sign) nil"
        }
    }
}

/// Parameters and constants of the generated functions.
private let locals: Set<String> = ["version", "reader", "writer", "compact", "tags", "field"]

/// A condition on `version` that holds exactly in `versions`, given that `outer` holds already;
/// nil when that says nothing.
func condition(_ versions: Versions, in outer: Versions) -> String? {
    let low = versions.lowerBound > outer.lowerBound
    let high = versions.upperBound < outer.upperBound
    if low, high, versions.count == 1 { return "version == \(versions.lowerBound)" }
    if low, high {
        return "version >= \(versions.lowerBound) && version <= \(versions.upperBound)"
    }
    if low { return "version >= \(versions.lowerBound)" }
    if high { return "version <= \(versions.upperBound)" }
    return nil
}
