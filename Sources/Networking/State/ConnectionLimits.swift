internal import Synchronization

/// How many connections a process takes, in all and from one address; shared by its listeners.
package final class ConnectionLimits: Sendable {
    private struct Held {
        var total = 0
        var byAddress: [String: Int] = [:]
    }

    private let maximum: Int
    private let maximumPerAddress: Int
    private let overrides: [String: Int]
    private let held = Mutex(Held())

    /// - Parameters:
    ///   - maximum: `max.connections`.
    ///   - maximumPerAddress: `max.connections.per.ip`.
    ///   - overrides: `max.connections.per.ip.overrides`, by numeric address.
    package init(
        maximum: Int = Int.max, maximumPerAddress: Int = Int.max, overrides: [String: Int] = [:]
    ) {
        self.maximum = maximum
        self.maximumPerAddress = maximumPerAddress
        self.overrides = overrides
    }

    /// Connections held now.
    package var count: Int { held.withLock { $0.total } }

    /// Counts one more connection from `address`, or says why there may be none.
    func acquire(_ address: String) -> Refusal? {
        let perAddress = overrides[address] ?? maximumPerAddress
        return held.withLock { held in
            if held.total >= maximum { return .total(limit: maximum) }
            let here = held.byAddress[address, default: 0]
            if here >= perAddress { return .address(address, limit: perAddress) }
            held.total += 1
            held.byAddress[address] = here + 1
            return nil
        }
    }

    /// Counts one connection less; called once for each one acquired.
    func release(_ address: String) {
        held.withLock { held in
            held.total -= 1
            let here = held.byAddress[address, default: 1] - 1
            held.byAddress[address] = here > 0 ? here : nil
        }
    }

    enum Refusal: CustomStringConvertible {
        case total(limit: Int)
        case address(String, limit: Int)

        var description: String {
            switch self {
            case .total(let limit): "the limit of \(limit) connections is reached (max.connections)"
            case .address(let address, let limit):
                "the limit of \(limit) connections from \(address) is reached "
                    + "(max.connections.per.ip)"
            }
        }
    }
}
