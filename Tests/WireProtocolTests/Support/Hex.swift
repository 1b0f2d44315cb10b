/// Bytes from hexadecimal digits, two a byte; spaces may stand between bytes. nil for all else.
func bytes(hex: some StringProtocol) -> [UInt8]? {
    let digits = String(hex).filter { $0 != " " }
    guard digits.count % 2 == 0 else { return nil }
    var result: [UInt8] = []
    var rest = digits[...]
    while !rest.isEmpty {
        guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
        result.append(byte)
        rest = rest.dropFirst(2)
    }
    return result
}
