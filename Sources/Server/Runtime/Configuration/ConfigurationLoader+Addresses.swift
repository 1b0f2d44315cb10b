/// Reads the settings that name listeners and addresses, and checks them against each other.
extension ConfigurationLoader {
    mutating func addresses() -> BrokerAddresses {
        var addresses = BrokerAddresses()
        let all = listeners("listeners")
        checkDistinct(all)
        checkProtocols(of: all)

        let controllers = values.list("controller.listener.names").map { $0.uppercased() }
        for name in controllers where !all.contains(where: { $0.name == name }) {
            refuse(
                "controller.listener.names", "listeners",
                because: "controller.listener.names names \(name), which is none of the listeners")
        }
        addresses.controllerListeners = all.filter { controllers.contains($0.name) }
        addresses.listeners = all.filter { !controllers.contains($0.name) }
        if addresses.listeners.isEmpty {
            refuse(
                "controller.listener.names", "listeners",
                because: all.isEmpty
                    ? "listeners names none" : "listeners leaves none that clients could use")
        }
        addresses.advertisedListeners = advertised(for: addresses.listeners, among: all)
        addresses.metricsListener = metricsListener(beside: all)
        addresses.interBrokerListenerName = interBrokerName(addresses.listeners)
        addresses.connectionLimits = connectionLimits()
        return addresses
    }

    private mutating func listeners(_ key: String) -> [Listener] {
        var listeners: [Listener] = []
        var isReadable = true
        for text in values.list(key) {
            switch Listener.parse(text) {
            case .value(let listener): listeners.append(listener)
            case .problem(let problem):
                refuse(key, because: "\(key): \(problem)")
                isReadable = false
            }
        }
        if !isReadable { distrust(key) }
        var names: Set<String> = []
        for listener in listeners where !names.insert(listener.name).inserted {
            refuse(key, because: "\(key) names \(listener.name) twice")
        }
        return listeners
    }

    private mutating func checkDistinct(_ listeners: [Listener]) {
        for (index, one) in listeners.enumerated() {
            for other in listeners[(index + 1)...] where one.collides(with: other) {
                refuse("listeners", because: "listeners has port \(one.port) twice")
            }
        }
    }

    /// The listener for metrics has no name and is not told to clients.
    private mutating func metricsListener(beside listeners: [Listener]) -> Listener? {
        let key = "metrics.listener"
        guard let text = values.optionalText(key) else { return nil }
        switch Listener.hostAndPort(text) {
        case .problem(let problem):
            refuse(key, because: "\(key)=\(text) is not of the form host:port: \(problem)")
            return nil
        case .value(let (host, port)):
            let listener = Listener(name: "METRICS", host: host, port: port)
            if listeners.contains(where: listener.collides) {
                refuse(
                    key, "listeners", because: "\(key)=\(text) has a port that listeners has, too")
            }
            return listener
        }
    }

    private mutating func checkProtocols(of listeners: [Listener]) {
        let key = "listener.security.protocol.map"
        var protocols: [String: String] = [:]
        for entry in values.list(key) {
            let parts = entry.split(separator: ":", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                refuse(key, because: "\(key): \"\(entry)\" is not of the form NAME:PROTOCOL")
                continue
            }
            let name = parts[0].uppercased()
            if protocols.updateValue(parts[1].uppercased(), forKey: name) != nil {
                refuse(key, because: "\(key) names \(name) twice")
            }
        }
        // Without a map each of Kafka's protocols is a listener name of its own, and controllers
        // speak plain text.
        if !isSet(key) {
            for name in ["SSL", "SASL_PLAINTEXT", "SASL_SSL"] { protocols[name] = name }
            for name in values.list("controller.listener.names").map({ $0.uppercased() })
            where protocols[name] == nil {
                protocols[name] = "PLAINTEXT"
            }
        }
        for listener in listeners {
            switch protocols[listener.name] {
            case "PLAINTEXT": break
            case let name?:
                refuse(
                    "listeners", key,
                    because: "listeners: \(listener) would speak \(name), which is not there yet:"
                        + " only PLAINTEXT is")
            case nil:
                refuse(
                    "listeners", key,
                    because: "listeners: \(key) has no protocol for \(listener.name);"
                        + " add \(listener.name):PLAINTEXT")
            }
        }
    }

    /// What clients are told, in the order of `listeners`.
    private mutating func advertised(
        for listeners: [Listener], among all: [Listener]
    ) -> [Listener] {
        let key = "advertised.listeners"
        let given = self.listeners(key)
        for listener in given {
            if !all.contains(where: { $0.name == listener.name }) {
                refuse(
                    key, "listeners",
                    because: "\(key) names \(listener.name), which is none of the listeners")
            }
            if isEveryAddress(listener) {
                refuse(
                    key,
                    because: "\(key): nobody can connect to \(listener): write a name or address"
                        + " that clients can reach")
            }
        }
        return listeners.map { listener in
            let own = given.first { $0.name == listener.name }
            if own == nil, isEveryAddress(listener) {
                refuse(
                    key, "listeners",
                    because: "listeners: \(listener) is every address, and clients must be told"
                        + " one: set advertised.listeners=\(listener.name)://<name or address>:"
                        + "\(listener.port)")
            }
            // Kafka advertises the machine's name where no host is given.
            let told = own ?? listener
            let host = told.host.isEmpty ? hostName : told.host
            return Listener(name: told.name, host: host, port: told.port)
        }
    }

    private func isEveryAddress(_ listener: Listener) -> Bool {
        listener.host == "0.0.0.0" || listener.host == "::"
    }

    private mutating func interBrokerName(_ listeners: [Listener]) -> String {
        let key = "inter.broker.listener.name"
        let names = listeners.map(\.name)
        guard let name = values.optionalText(key)?.uppercased() else {
            return names.contains("PLAINTEXT") ? "PLAINTEXT" : names.first ?? "PLAINTEXT"
        }
        if isSet("security.inter.broker.protocol") {
            refuse(key, because: "\(key) and security.inter.broker.protocol say the same: set one")
        }
        if !names.contains(name) {
            refuse(
                key, "listeners", "controller.listener.names",
                because: "\(key)=\(name) is none of the listeners for brokers:"
                    + " \(names.joined(separator: ", "))")
        }
        return name
    }

    private mutating func connectionLimits() -> [String: Int] {
        let key = "max.connections.per.ip.overrides"
        var limits: [String: Int] = [:]
        for entry in values.list(key) {
            // The address may be IPv6, so the last colon counts.
            guard let colon = entry.lastIndex(of: ":"), colon > entry.startIndex,
                let limit = Int32(entry[entry.index(after: colon)...]), limit >= 0
            else {
                refuse(key, because: "\(key): \"\(entry)\" is not of the form address:count")
                continue
            }
            limits[String(entry[..<colon])] = Int(limit)
        }
        return limits
    }
}

extension Listener {
    /// Whether both cannot be open at once: two share a port only where one is for IPv4 and the
    /// other for IPv6.
    fileprivate func collides(with other: Listener) -> Bool {
        if port == 0 || port != other.port { return false }
        let sameHost = host == other.host || isWildcard || other.isWildcard
        return sameHost && host.contains(":") == other.host.contains(":")
    }
}
