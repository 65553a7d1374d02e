import LaminaBase
import LaminaQuery
import LaminaSegment

/// The key source of a dimension.
func makeKeySource(_ dimension: DimensionSpec, in scan: SegmentScan) throws(LaminaError) -> KeySource {
    let column = try scan.column(dimension.dimension)
    let type = dimension.outputType
    let needsTransform = dimension.extraction != nil || dimension.isFiltered
    switch column {
    case .missing:
        if !needsTransform { return NullKeys() }
    case .string(let stored):
        let input = scan.idInput(stored)
        if !needsTransform, type == .string { return StringKeys(input) }
        let transform = transform(of: dimension)
        return MappedStringKeys(input, drops: dimension.isFiltered) {
            (id: UInt32) throws(LaminaError) -> KeyValue? in
            transform(stored.value(id).map(Value.string) ?? .null)
        }
    case .mapped(let stored, let values):
        let transform = transform(of: dimension)
        return try mappedKeys(stored, values, transform, type, in: scan)
    case .long, .float, .double, .numbers:
        if !needsTransform, let keys = try numberKeys(column, dimension.dimension, as: type, in: scan) { return keys }
    case .object, .rows: break
    }
    let explodes = if case .array = type { false } else { column.mayGiveArrays }
    // A filtered dimension leaves rows without a value, which is not null to topN.
    return ValueKeys(
        try makeValueInput(column, in: scan),
        explodes: explodes || dimension.isFiltered,
        transform: transform(of: dimension)
    )
}

extension ScanColumn {
    /// Whether values may be arrays, whose elements a dimension of strings takes one by one.
    fileprivate var mayGiveArrays: Bool {
        switch self {
        case .object(let column): if case .array = column.type { true } else { false }
        case .rows(let bound):
            if case .array? = bound.type { true } else { bound.givesMultipleValues }
        default: false
        }
    }
}

extension DimensionSpec {
    fileprivate var isFiltered: Bool {
        switch self {
        case .filtered: true
        default: false
        }
    }

    /// The value filters around the dimension, innermost first.
    fileprivate var valueFilters: [ValueFilter] {
        switch self {
        case .filtered(let delegate, let values): delegate.valueFilters + [values]
        default: []
        }
    }
}

/// From a stored value to the dimension's key; nil when a filtered dimension drops it.
private func transform(of dimension: DimensionSpec) -> (Value) -> KeyValue? {
    let type = dimension.outputType
    let filters = dimension.valueFilters
    let extraction = dimension.extraction
    return { value in
        var value = value
        if let extraction { value = extraction.apply(value).map(Value.string) ?? .null }
        if !filters.isEmpty {
            let text = value.asText
            for filter in filters where !filter.keeps(text) { return nil }
        }
        return KeyValue(value, as: type)
    }
}

/// Keys of an expression over a dictionary: by value, or exploded when it gives arrays.
private func mappedKeys(
    _ column: any StringColumn,
    _ values: MappedValues,
    _ transform: @escaping (Value) -> KeyValue?,
    _ type: ColumnType,
    in scan: SegmentScan
) throws(LaminaError) -> KeySource {
    if case .array? = values.type {
        let explodes = if case .array = type { false } else { true }
        return ValueKeys(
            try makeValueInput(.mapped(column, values: values), in: scan),
            explodes: explodes,
            transform: transform
        )
    }
    let input = scan.idInput(column)
    return MappedStringKeys(input, drops: false) { (id: UInt32) throws(LaminaError) -> KeyValue? in
        transform(try values.value(id))
    }
}

/// Keys of a number column by bit pattern, in the wanted type or as text; nil for types it cannot give.
private func numberKeys(
    _ column: ScanColumn,
    _ name: String,
    as type: ColumnType,
    in scan: SegmentScan
) throws(LaminaError) -> KeySource? {
    switch type {
    case .long: return longKeys(try makeNumericInput(column, in: scan)) { .long(Int64(bitPattern: $0)) }
    case .float: return floatKeys(try makeNumericInput(column, in: scan)) { .float(UInt32(truncatingIfNeeded: $0)) }
    case .double: return doubleKeys(try makeNumericInput(column, in: scan)) { .double($0) }
    case .string:
        switch column.type {
        case .long:
            return longKeys(try makeNumericInput(column, in: scan)) { .text(ExactText(String(Int64(bitPattern: $0)))) }
        case .float:
            return floatKeys(try makeNumericInput(column, in: scan)) {
                .text(ExactText(javaText(Float(bitPattern: UInt32(truncatingIfNeeded: $0)))))
            }
        default:
            return doubleKeys(try makeNumericInput(column, in: scan)) {
                .text(ExactText(javaText(Double(bitPattern: $0))))
            }
        }
    default: return nil
    }
}

private func longKeys(_ input: NumericInput<Int64>, _ key: @escaping (UInt64) -> KeyValue) -> KeySource {
    NumberKeys(
        input,
        bits: { values, result, count in
            for index in 0..<count { result[index] = UInt64(bitPattern: values[index]) }
        },
        key: key
    )
}

private func doubleKeys(_ input: NumericInput<Double>, _ key: @escaping (UInt64) -> KeyValue) -> KeySource {
    NumberKeys(
        input,
        bits: { values, result, count in
            for index in 0..<count { result[index] = javaBits(values[index]) }
        },
        key: key
    )
}

private func floatKeys(_ input: NumericInput<Float>, _ key: @escaping (UInt64) -> KeyValue) -> KeySource {
    NumberKeys(
        input,
        bits: { values, result, count in
            for index in 0..<count {
                result[index] = UInt64(values[index].isNaN ? Float.nan.bitPattern : values[index].bitPattern)
            }
        },
        key: key
    )
}
