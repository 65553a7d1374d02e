import LaminaBase
import LaminaSketches

/// Bloom filters. Source: `BloomFilterExpressions`.
let bloomFunctions: [ExpressionFunction] = [
    ExpressionFunction(
        "bloom_filter",
        1...1,
        type: always(.complex("bloom")),
        .prepared { arguments throws(LaminaError) in
            guard let entries = arguments.literal(0)?.asLong else {
                throw .invalidInput("Function[bloom_filter] argument must be a LONG constant")
            }
            let filter = value(try BloomKFilter(maxEntries: Int(clamping: entries)))
            return { _ in filter }
        }
    ),
    ExpressionFunction("bloom_filter_add", 2...2, type: always(.complex("bloom")), .strict(add)),
    ExpressionFunction("bloom_filter_test", 2...2, type: always(.long), .prepared(prepareTest)),
]

private func value(_ filter: BloomKFilter) -> Value { .complex(type: "bloom", bytes: filter.bytes) }

private func filter(_ value: Value, _ function: String) throws(LaminaError) -> BloomKFilter {
    guard case .complex("bloom", let bytes) = value else {
        throw .evaluation("Function[\(function)] must take a bloom filter as the second argument")
    }
    return try BloomKFilter(bytes: bytes)
}

private func add(_ values: [Value]) throws(LaminaError) -> Value {
    var sum = try filter(values[1], "bloom_filter_add")
    switch values[0] {
    case .null: sum.addNull()
    case .string(let text): sum.add(text)
    case .long(let number): sum.add(number)
    case .float(let number): sum.add(Double(number))
    case .double(let number): sum.add(number)
    case .complex: try sum.merge(same: try filter(values[0], "bloom_filter_add"))
    case .array, .json:
        throw .evaluation("Function[bloom_filter_add] cannot add an array or nested value to a bloom filter")
    }
    return value(sum)
}

/// A constant filter, also in base64, is decoded once.
private func prepareTest(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    switch arguments.literal(1) {
    case .string(let text)?:
        guard let bytes = base64Decoded(text) else {
            throw .invalidInput("Function[bloom_filter_test] failed to deserialize bloom filter")
        }
        let filter = try BloomKFilter(bytes: bytes)
        return { values in test(values[0], filter) }
    case .some(let literal):
        let filter = try filter(literal, "bloom_filter_test")
        return { values in test(values[0], filter) }
    case nil:
        return { values throws(LaminaError) in test(values[0], try filter(values[1], "bloom_filter_test")) }
    }
}

private func test(_ value: Value, _ filter: BloomKFilter) -> Value {
    let isFound =
        switch value {
        case .null: filter.mayContainNull()
        case .string(let text): filter.mayContain(text)
        case .long(let number): filter.mayContain(number)
        case .float(let number): filter.mayContain(Double(number))
        case .double(let number): filter.mayContain(number)
        case .array, .json, .complex: false
        }
    return .long(isFound ? 1 : 0)
}
