import LaminaBase
import LaminaQuery
import LaminaSegment

/// A column as one scan sees it: stored, computed, or absent.
enum ScanColumn {
    /// No column of that name: every row null.
    case missing
    case long(any LongColumn)
    case float(any FloatColumn)
    case double(any DoubleColumn)
    case string(any StringColumn)
    case object(any ObjectColumn)
    /// An expression over one single-value string column, computed once per dictionary value.
    case mapped(any StringColumn, values: MappedValues)
    /// An expression that runs on vectors of numbers.
    case numbers(NumberVectors)
    /// Any other expression, computed row by row.
    case rows(BoundExpression)

    /// The type values have, as far as it is known beforehand.
    var type: ColumnType? {
        switch self {
        case .missing: nil
        case .long: .long
        case .float: .float
        case .double: .double
        case .string: .string
        case .object(let column): column.type
        case .mapped(_, let values): values.type
        case .numbers(.long): .long
        case .numbers(.double): .double
        case .rows(let bound): bound.type
        }
    }
}

/// The vectors an expression gives.
enum NumberVectors {
    case long(NumericInput<Int64>)
    case double(NumericInput<Double>)
}

/// What every id of a dictionary stands for; computed when first asked for.
final class MappedValues {
    let type: ColumnType?
    /// Whether every id has a value, whatever it is: the whole dictionary may be looked through.
    let isTotal: Bool
    private let compute: (UInt32) throws(LaminaError) -> Value
    private var known: [Value?]

    /// What an expression gives for every value of a column.
    init(_ expression: Expression, type: ColumnType?, over column: any StringColumn) {
        self.type = type
        isTotal = false
        known = Array(repeating: nil, count: column.cardinality)
        compute = { (id) throws(LaminaError) in
            try expression.evaluate(columns: [column.value(id).map(Value.string) ?? .null])
        }
    }

    /// The values of a dictionary of any types.
    init(type: ColumnType?, count: Int, _ compute: @escaping (UInt32) throws(LaminaError) -> Value) {
        self.type = type
        isTotal = true
        known = Array(repeating: nil, count: count)
        self.compute = compute
    }

    /// The value for an id.
    func value(_ id: UInt32) throws(LaminaError) -> Value {
        if let value = known[Int(id)] { return value }
        let value = try compute(id)
        known[Int(id)] = value
        return value
    }
}
