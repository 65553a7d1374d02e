import Glibc
import LaminaBase

/// IPv4 addresses as texts or 32-bit numbers, IPv6 addresses as texts.
///
/// Source: `IPv4AddressMatchExprMacro`, `…ParseExprMacro`, `…StringifyExprMacro`, `IPv6AddressMatchExprMacro`.
let addressFunctions: [ExpressionFunction] = [
    ExpressionFunction("ipv4_match", 2...2, type: always(.long), .prepared(prepareMatch)),
    ExpressionFunction("ipv6_match", 2...2, type: always(.long), .prepared(prepareLongMatch)),
    ExpressionFunction(
        "ipv4_parse",
        1...1,
        type: always(.long),
        .strict { address($0[0]).map { .long(Int64($0)) } ?? .null }
    ),
    ExpressionFunction(
        "ipv4_stringify",
        1...1,
        type: always(.string),
        .strict { address($0[0]).map { .string(dotted($0)) } ?? .null }
    ),
]

private func address(_ value: Value) -> UInt32? {
    switch value {
    case .long(let number): UInt32(exactly: number)
    case .string(let text): parseAddress(text)
    default: nil
    }
}

private func parseAddress(_ text: some StringProtocol) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var result: UInt32 = 0
    for part in parts {
        guard !part.isEmpty, part.utf8.count <= 3, part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let byte = UInt8(part)
        else { return nil }
        result = result << 8 | UInt32(byte)
    }
    return result
}

private func dotted(_ address: UInt32) -> String {
    "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
}

private func prepareMatch(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let subnet = try arguments.requiredText(1, "subnet")
    let parts = subnet.split(separator: "/", omittingEmptySubsequences: false)
    guard let base = parts.first.flatMap({ parseAddress($0) }), parts.count <= 2,
        let length = parts.count == 2 ? Int(parts[1]) : 32, length >= 0, length <= 32
    else { throw .invalidInput("'\(subnet)' is no IPv4 subnet") }
    let mask: UInt32 = length == 0 ? 0 : ~0 << UInt32(32 - length)
    return { values in .long(address(values[0]).map { $0 & mask == base & mask } ?? false ? 1 : 0) }
}

/// The sixteen bytes of an IPv6 address.
private func parseLongAddress(_ text: String) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 16)
    guard inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
    return bytes
}

private func prepareLongMatch(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let subnet = try arguments.requiredText(1, "subnet")
    let parts = subnet.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let base = parseLongAddress(String(parts[0])), let length = Int(parts[1]),
        (0...128).contains(length)
    else { throw .invalidInput("'\(subnet)' is no IPv6 subnet, which is written like 2001:db8::/64") }
    let whole = length / 8
    let mask: UInt8 = length % 8 == 0 ? 0 : ~0 << UInt8(8 - length % 8)
    return { values in
        guard case .string(let text) = values[0], let bytes = parseLongAddress(text) else { return .long(0) }
        let rest = mask == 0 || bytes[whole] & mask == base[whole] & mask
        return .long(rest && bytes[..<whole] == base[..<whole] ? 1 : 0)
    }
}
