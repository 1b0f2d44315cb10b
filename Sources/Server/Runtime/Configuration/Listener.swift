/// An address to listen on or to be reached at, with the name that both sides know it by.
package struct Listener: Sendable, Equatable, CustomStringConvertible {
    /// In upper case.
    package let name: String
    /// A host name or address, IPv6 without brackets; empty for every address of the machine.
    package let host: String
    /// 0 takes a free port.
    package let port: UInt16

    package init(name: String, host: String, port: UInt16) {
        self.name = name
        self.host = host
        self.port = port
    }

    /// As in `listeners`.
    package var description: String {
        host.contains(":") ? "\(name)://[\(host)]:\(port)" : "\(name)://\(host):\(port)"
    }

    /// Whether it stands for every address, so that nobody can connect to it by this name.
    package var isWildcard: Bool { host.isEmpty || host == "0.0.0.0" || host == "::" }
}

/// What a text said, or the sentence that says why it says nothing.
enum Parsed<Value> {
    case value(Value)
    case problem(String)
}

extension Listener {
    /// Reads `NAME://host:port`.
    static func parse(_ text: String) -> Parsed<Listener> {
        let form = "\"\(text)\" is not of the form NAME://host:port"
        // Split by hand at the first "://".
        let utf8 = Array(text.utf8)
        let mark = Array("://".utf8)
        guard let start = utf8.indices.first(where: { utf8[$0...].starts(with: mark) }), start > 0
        else { return .problem(form) }
        let name = String(decoding: utf8[..<start], as: UTF8.self).uppercased()
        guard name.utf8.allSatisfy(isNameByte) else {
            return .problem("\"\(text)\": a listener's name has letters, digits, - _ . only")
        }
        switch hostAndPort(String(decoding: utf8[(start + mark.count)...], as: UTF8.self)) {
        case .value(let (host, port)): return .value(Listener(name: name, host: host, port: port))
        case .problem(let problem): return .problem("\(form): \(problem)")
        }
    }

    /// Reads `host:port`, `[address]:port` or `:port`.
    static func hostAndPort(_ text: String) -> Parsed<(host: String, port: UInt16)> {
        guard let colon = text.lastIndex(of: ":") else { return .problem("the port is missing") }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits)
        else { return .problem("the port is a number from 0 to 65535") }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.utf8.allSatisfy(isAddressByte) else {
                return .problem("an IPv6 address stands between the brackets")
            }
        } else if host.contains(":") {
            return .problem("an IPv6 address stands in brackets")
        } else if !host.utf8.allSatisfy(isNameByte) {
            return .problem("a host has letters, digits, - _ . only")
        }
        return .value((String(host), port))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: byte == 0x2d || byte == 0x2e || byte == 0x5f
        }
    }

    /// Hexadecimal digits, colons, dots, and a zone after a percent sign.
    private static func isAddressByte(_ byte: UInt8) -> Bool {
        isNameByte(byte) || byte == 0x3a || byte == 0x25
    }
}
