import LaminaBase

/// Sizes for people. Source: `HumanReadableBytes.format`.
let formatFunctions: [ExpressionFunction] = [
    sizeFormat(
        "human_readable_binary_byte_format",
        base: 1024,
        units: ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    ),
    sizeFormat("human_readable_decimal_byte_format", base: 1000, units: ["B", "KB", "MB", "GB", "TB", "PB", "EB"]),
    sizeFormat("human_readable_decimal_format", base: 1000, units: ["", "K", "M", "G", "T", "P", "E"]),
]

private func sizeFormat(_ name: String, base: Int64, units: [String]) -> ExpressionFunction {
    ExpressionFunction(
        name,
        1...2,
        type: always(.string),
        .strict { values throws(LaminaError) in
            switch values[0] {
            case .null: return .null
            case .long, .double, .float: break
            default:
                if values[0].asDouble == nil { return .null }
                throw .evaluation(
                    "Function[\(name)] needs a number as its first argument but got \(values[0].typeName) instead"
                )
            }
            guard let size = values[0].asLong else { return .null }
            var precision = 2
            if values.count > 1 {
                guard case .long(let wanted) = values[1], wanted >= 0, wanted <= 3 else {
                    throw .evaluation("Function[\(name)] given precision must be a LONG in the range of [0,3]")
                }
                precision = Int(wanted)
            }
            return .string(humanReadable(size, base: base, units: units, precision: precision))
        }
    )
}

private func humanReadable(_ size: Int64, base: Int64, units: [String], precision: Int) -> String {
    if size > -base, size < base {
        return units[0].isEmpty ? String(size) : "\(size) \(units[0])"
    }
    // Like Druid, the smallest long prints as a magnitude of its own.
    var unit = 0
    var scaled = size
    while scaled <= -base || scaled >= base, unit < units.count - 2 {
        if abs(Double(scaled)) < Double(base) * Double(base) { break }
        scaled /= base
        unit += 1
    }
    unit += 1
    let number = javaFormat("%.\(precision)f", [.double(Double(scaled) / Double(base))])
    return "\(number) \(units[unit])"
}
