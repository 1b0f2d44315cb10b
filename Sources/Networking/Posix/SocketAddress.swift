internal import Glibc

/// An IPv4 or IPv6 address with a port.
///
/// `@unchecked Sendable`: plain bytes; C's structure is just not known to be so.
struct SocketAddress: @unchecked Sendable {
    private let storage: sockaddr_storage
    private let length: socklen_t

    init(storage: sockaddr_storage = sockaddr_storage(), length: socklen_t = 0) {
        self.storage = storage
        self.length = length
    }

    var family: CInt { CInt(storage.ss_family) }
    var isIPv6: Bool { family == AF_INET6 }

    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, length)
            }
        }
    }

    /// Host and port as numbers; an IPv4 address that came over an IPv6 socket is an IPv4 address.
    var endpoint: Endpoint {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var service = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let failure = unsafe withSockaddr { address, length in
            unsafe getnameinfo(
                address, length, &host, socklen_t(host.count), &service,
                socklen_t(service.count), NI_NUMERICHOST | NI_NUMERICSERV)
        }
        guard failure == 0 else { return Endpoint(host: "unknown", port: 0) }
        var text = Self.text(host)
        let mapped = "::ffff:"
        if text.hasPrefix(mapped), text.contains(".") { text.removeFirst(mapped.count) }
        return Endpoint(host: text, port: UInt16(Self.text(service)) ?? 0)
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The addresses that an endpoint stands for, the resolver's order kept; blocks.
    ///
    /// - Parameter listening: an empty host means every address of this machine.
    static func resolve(_ endpoint: Endpoint, listening: Bool) throws(NetworkError)
        -> [SocketAddress]
    {
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_NUMERICSERV | (listening ? AI_PASSIVE : 0)
        var list: UnsafeMutablePointer<addrinfo>?
        let host: String? = endpoint.host.isEmpty ? nil : endpoint.host
        let failure =
            if let host { unsafe getaddrinfo(host, String(endpoint.port), &hints, &list) } else {
                unsafe getaddrinfo(nil, String(endpoint.port), &hints, &list)
            }
        guard failure == 0 else {
            let reason =
                unsafe failure == EAI_SYSTEM
                ? System.text(errno) : String(cString: gai_strerror(failure))
            throw .cannotResolve(host: endpoint.host, reason: reason)
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = unsafe list
        while let info = unsafe entry {
            if let address = unsafe info.pointee.ai_addr {
                unsafe addresses.append(
                    SocketAddress(copying: address, length: info.pointee.ai_addrlen))
            }
            unsafe entry = unsafe info.pointee.ai_next
        }
        return addresses
    }

    private init(copying address: UnsafePointer<sockaddr>, length: socklen_t) {
        var storage = sockaddr_storage()
        let size = min(Int(length), MemoryLayout<sockaddr_storage>.size)
        unsafe withUnsafeMutableBytes(of: &storage) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: size))
        }
        self.init(storage: storage, length: socklen_t(size))
    }
}
