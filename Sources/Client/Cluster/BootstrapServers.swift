package import Networking

/// The addresses a client begins with: `HOST:PORT[,HOST:PORT]…`. Any one that answers is enough; the
/// cluster then tells where its brokers are.
package struct BootstrapServers: Sendable, Equatable {
    package static let defaultPort: UInt16 = 9092

    /// At least one, in the order given.
    package let endpoints: [Endpoint]

    /// nil where the text is not a list of addresses. The port may be left out; IPv6 addresses stand
    /// in brackets.
    package init?(_ text: String) {
        let entries = text.split(separator: ",", omittingEmptySubsequences: false)
        var endpoints: [Endpoint] = []
        for entry in entries {
            guard let endpoint = Self.endpoint(entry) else { return nil }
            endpoints.append(endpoint)
        }
        self.endpoints = endpoints
    }

    private static func endpoint(_ text: Substring) -> Endpoint? {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]"), end > text.index(after: text.startIndex)
            else { return nil }
            return endpoint(
                host: text[text.index(after: text.startIndex)..<end],
                rest: text[text.index(after: end)...])
        }
        let end = text.firstIndex(of: ":") ?? text.endIndex
        return endpoint(host: text[..<end], rest: text[end...])
    }

    /// - Parameter rest: a colon and the port, or nothing.
    private static func endpoint(host: Substring, rest: Substring) -> Endpoint? {
        // A slash is the rest of a URL, as in PLAINTEXT://host.
        guard !host.isEmpty, !host.contains(where: { $0 == "/" || $0 == " " }) else { return nil }
        if rest.isEmpty { return Endpoint(host: String(host), port: defaultPort) }
        guard rest.hasPrefix(":"), let port = UInt16(rest.dropFirst()), port > 0 else { return nil }
        return Endpoint(host: String(host), port: port)
    }
}
