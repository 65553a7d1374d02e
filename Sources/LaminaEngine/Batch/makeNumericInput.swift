import LaminaBase
import LaminaQuery
import LaminaSegment

/// The input that reads a column as numbers of one type.
///
/// Strings and results of expressions are parsed; what is no number is null.
func makeNumericInput<Number: VectorNumber>(
    _ column: ScanColumn,
    in scan: SegmentScan
) throws(LaminaError) -> NumericInput<Number> {
    switch column {
    case .missing: return NullInput<Number>()
    case .long(let stored): return converted(StoredInput<Int64>(stored.makeReader(), nulls: stored.nullRows))
    case .float(let stored): return converted(StoredInput<Float>(stored.makeReader(), nulls: stored.nullRows))
    case .double(let stored): return converted(StoredInput<Double>(stored.makeReader(), nulls: stored.nullRows))
    case .string(let stored) where !stored.hasMultipleValues:
        return ParsedInput(scan.idInput(stored)) { (id: UInt32) throws(LaminaError) -> Number? in
            stored.value(id).flatMap { number(.string($0)) }
        }
    case .mapped(let stored, let values):
        return ParsedInput(scan.idInput(stored)) { (id: UInt32) throws(LaminaError) -> Number? in
            number(try values.value(id))
        }
    case .numbers(.long(let input)): return converted(input)
    case .numbers(.double(let input)): return converted(input)
    case .string, .object, .rows:
        return CastInput(try makeValueInput(column, in: scan), cast: number)
    }
}

/// The same input when the types agree, else one that converts.
func converted<Source: VectorNumber, Number: VectorNumber>(_ input: NumericInput<Source>) -> NumericInput<Number> {
    if let same = input as? NumericInput<Number> { return same }
    if let longs = input as? NumericInput<Int64> {
        return ConvertedInput(longs) { Number.convert($0, $1, count: $2) }
    }
    if let doubles = input as? NumericInput<Double> {
        return ConvertedInput(doubles) { Number.convert($0, $1, count: $2) }
    }
    if let floats = input as? NumericInput<Float> {
        return ConvertedInput(floats) { Number.convert($0, $1, count: $2) }
    }
    preconditionFailure("a number type without a conversion")
}

/// A value as a number of the wanted type; nil when it is none.
func number<Number: VectorNumber>(_ value: Value) -> Number? {
    if Number.self == Int64.self { return value.asLong as? Number }
    if Number.self == Double.self { return value.asDouble as? Number }
    return value.asDouble.map { Float($0) } as? Number
}
