import LaminaBase
import LaminaSketches

/// Druid's own distinct count sketch. Source: `HyperUniqueExpressions`.
let hyperUniqueFunctions: [ExpressionFunction] = [
    ExpressionFunction("hyper_unique", 0...0, type: always(sketchType), .strict { _ in value(HyperLogLog()) }),
    ExpressionFunction("hyper_unique_add", 2...2, type: always(sketchType), .strict(add)),
    ExpressionFunction(
        "hyper_unique_estimate",
        1...1,
        type: always(.double),
        .strict { values throws(LaminaError) in
            .double(try sketch(values[0], "hyper_unique_estimate requires a hyper-log-log collector as input").estimate)
        }
    ),
    ExpressionFunction(
        "hyper_unique_round_estimate",
        1...1,
        type: always(.long),
        .strict { values throws(LaminaError) in
            let sum = try sketch(values[0], "hyper_unique_round_estimate requires a hyper-log-log collector as input")
            return .long(saturatingLong((sum.estimate + 0.5).rounded(.down)))
        }
    ),
]

private let sketchType = ColumnType.complex("hyperUnique")

private func value(_ sketch: HyperLogLog) -> Value { .complex(type: "hyperUnique", bytes: sketch.bytes) }

private func sketch(_ value: Value, _ demand: String) throws(LaminaError) -> HyperLogLog {
    guard case .complex("hyperUnique", let bytes) = value else { throw .evaluation("Function \(demand)") }
    return try HyperLogLog(bytes: bytes)
}

/// Texts count by their UTF-16 units, as in the `cardinality` aggregation; null counts for nothing.
private func add(_ values: [Value]) throws(LaminaError) -> Value {
    var sum = try sketch(values[1], "hyper_unique_add requires a hyper-log-log collector as the second argument")
    switch values[0] {
    case .null: break
    case .string(let text):
        var units: [UInt8] = []
        appendUTF16(text, to: &units)
        sum.add(hash: murmur128(units))
    case .long(let number): sum.add(hash: murmur128(word: UInt64(bitPattern: number), seed: 0))
    case .float(let number): sum.add(hash: murmur128(word: Double(number).bitPattern, seed: 0))
    case .double(let number): sum.add(hash: murmur128(word: number.bitPattern, seed: 0))
    case .complex:
        sum.merge(try sketch(values[0], "hyper_unique_add cannot add another complex value to a collector"))
    case .array, .json:
        throw .evaluation("Function hyper_unique_add cannot add an array or nested value to a collector")
    }
    return value(sum)
}
