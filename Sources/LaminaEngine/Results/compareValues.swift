import LaminaBase
import LaminaQuery

/// The natural order of result values: null first, numbers by value (NaN last), texts by UTF-16 units, arrays by element.
func compareNatural(_ left: Value, _ right: Value) -> Int {
    switch (left, right) {
    case (.null, .null): return 0
    case (.null, _): return -1
    case (_, .null): return 1
    case (.long(let one), .long(let two)): return one < two ? -1 : one == two ? 0 : 1
    case (.string(let one), .string(let two)): return compareTextUTF16(one, two)
    case (.array(let one), .array(let two)):
        for index in 0..<min(one.count, two.count) {
            let order = compareNatural(one[index], two[index])
            if order != 0 { return order }
        }
        return one.count < two.count ? -1 : one.count == two.count ? 0 : 1
    default:
        if case .string = left { return compareTextUTF16(left.asText ?? "", right.asText ?? "") }
        if case .string = right { return compareTextUTF16(left.asText ?? "", right.asText ?? "") }
        guard let one = left.asDouble, let two = right.asDouble else {
            return compareTextUTF16(left.asText ?? "", right.asText ?? "")
        }
        return compareJavaNumber(one, two)
    }
}

/// The order `numericFirst` of post-aggregations: finite numbers before NaN and infinities, null first of all.
///
/// - Source: `ArithmeticPostAggregator.Ordering.numericFirst`.
func compareNumericFirst(_ left: Value, _ right: Value) -> Int {
    guard let one = left.asDouble, let two = right.asDouble else { return compareNatural(left, right) }
    if one.isFinite != two.isFinite { return one.isFinite ? 1 : -1 }
    return compareJavaNumber(one, two)
}
