/// How the checked-in code differs from what the definitions give; sorted by path.
package enum Drift: Equatable, CustomStringConvertible {
    case missing(String)
    case changed(String)
    case superfluous(String)

    package var description: String {
        switch self {
        case .missing(let path): "\(path) is missing"
        case .changed(let path): "\(path) differs from its definition"
        case .superfluous(let path): "\(path) has no definition"
        }
    }

    package static func between(generated: [TextFile], present: [TextFile]) -> [Drift] {
        var old = Dictionary(uniqueKeysWithValues: present.map { ($0.path, $0.text) })
        var drift: [Drift] = []
        for file in generated {
            switch old.removeValue(forKey: file.path) {
            case nil: drift.append(.missing(file.path))
            case file.text: break
            default: drift.append(.changed(file.path))
            }
        }
        return drift + old.keys.sorted().map { .superfluous($0) }
    }
}
