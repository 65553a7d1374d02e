package import LaminaBase

/// The order of values of `auto` dimensions in a segment's rows: null, then texts in dictionary order, then numbers by value, then
/// arrays element by element, then structured values by their text.
///
/// Source: Druid's `StructuredData.compareTo` up to structured values, which Druid orders by a hash.
package func compareDimensionValues(_ left: Value, _ right: Value) -> Int {
    let (leftRank, rightRank) = (rank(left), rank(right))
    if leftRank != rightRank { return leftRank < rightRank ? -1 : 1 }
    /// A long before the double of the same value, which is another value.
    func typeOrder() -> Int {
        switch (left, right) {
        case (.long, .double), (.long, .float): -1
        case (.double, .long), (.float, .long): 1
        default: 0
        }
    }
    switch (left, right) {
    case (.long(let one), .long(let other)): return one < other ? -1 : one > other ? 1 : 0
    case (.string(let one), .string(let other)): return compareTexts(one, other)
    case (.array(let one), .array(let other)):
        for (item, counterpart) in zip(one, other) {
            let result = compareDimensionValues(item, counterpart)
            if result != 0 { return result }
        }
        return one.count < other.count ? -1 : one.count > other.count ? 1 : 0
    case (.json(let one), .json(let other)): return one == other ? 0 : compareTexts(one.text, other.text)
    case (.complex(_, let one), .complex(_, let other)):
        return one == other ? 0 : one.lexicographicallyPrecedes(other) ? -1 : 1
    default:
        let (one, other) = (number(left), number(right))
        return javaDoubleOrder(one, other) ? -1 : javaDoubleOrder(other, one) ? 1 : typeOrder()
    }
}

private func compareTexts(_ left: String, _ right: String) -> Int {
    if left == right, left.utf8.elementsEqual(right.utf8) { return 0 }
    return left.utf16.lexicographicallyPrecedes(right.utf16) ? -1 : 1
}

private func rank(_ value: Value) -> Int {
    switch value {
    case .null: 0
    case .string: 1
    case .long, .float, .double: 2
    case .array: 3
    case .json: 4
    case .complex: 5
    }
}

private func number(_ value: Value) -> Double {
    switch value {
    case .long(let number): Double(number)
    case .float(let number): Double(number)
    case .double(let number): number
    default: 0
    }
}
