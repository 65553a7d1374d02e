import LaminaBase
import LaminaQuery

/// A value of a join's key in the type of the right column; nil: it equals nothing.
///
/// Texts that are read as numbers must be whole for LONG; doubles are cut to whole numbers, as Druid does.
///
/// - Parameter isExact: what reading in the type would change equals nothing.
/// - Source: `DimensionHandlerUtils.convertObjectToType`, `RowBasedIndexBuilder`.
func joinKey(_ value: Value, as type: ColumnType, isExact: Bool = false) -> KeyValue? {
    switch type {
    case .long:
        guard let number = wholeNumber(value, isExact) else { return nil }
        return .long(number)
    case .float, .double:
        guard let number = value.asDouble else { return nil }
        if isExact, case .string(let text) = value, Value.double(number).asText != text { return nil }
        return type == .float ? KeyValue(.float(Float(number)), as: .float) : KeyValue(.double(number), as: .double)
    case .string:
        if case .array = value { return nil }
        return value.asText.map { .text(ExactText($0)) }
    // Druid finds no row by an array or a complex value.
    case .array, .complex: return nil
    }
}

private func wholeNumber(_ value: Value, _ isExact: Bool) -> Int64? {
    switch value {
    case .long(let number): return number
    case .double(let number): return isExact && number != number.rounded(.towardZero) ? nil : saturatingLong(number)
    case .float(let number):
        return isExact && number != number.rounded(.towardZero) ? nil : saturatingLong(Double(number))
    case .string(let text):
        if let number = parseJavaLong(text) { return isExact && String(number) != text ? nil : number }
        guard !isExact, let number = parseJavaDouble(text) else { return nil }
        return Int64(exactly: number)
    case .null, .array, .json, .complex: return nil
    }
}
