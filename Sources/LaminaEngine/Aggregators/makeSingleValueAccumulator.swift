import LaminaBase
import LaminaQuery
import LaminaSegment

/// The accumulators of numeric `any`, `first` and `last` where Druid's engine, not the aggregation alone, says what comes out; nil
/// elsewhere.
///
/// - Source: `NumericAnyVectorAggregator`; `DimensionSelector.getLong` and its kin; `SimpleDoubleAggregatorFactory` and its kin.
func makeSingleValueAccumulator(
    _ rule: any ValueAggregation,
    in scan: SegmentScan,
    _ engine: GroupingEngine
) throws(LaminaError) -> Accumulator? {
    if let any = rule as? AnyAggregation, any.type.isNumeric {
        switch try scan.column(any.field) {
        // Vectors of texts hold no numbers; read row by row every text is 0.
        case .string: return ConstantAccumulator(any, engine == .rows ? .long(0) : .null)
        case .long, .float, .double, .numbers:
            return engine == .bucketedVectors ? VectorAnyAccumulator(any, try scan.valueInput(any.field)) : nil
        default: return nil
        }
    }
    if engine == .rows, let first = rule as? FirstLastAggregation, first.type.isNumeric,
        case .string = try scan.column(first.field)
    {
        return ConstantAccumulator(first, .long(0))
    }
    return nil
}

/// `any`, `first` and `last` of a column that gives the same in every row.
private final class ConstantAccumulator: StateAccumulator {
    private let values: [Value]

    /// Times do not matter where all values are the same.
    init(_ rule: any ValueAggregation, _ value: Value) {
        values = rule.inputs.count == 1 ? [value] : [.long(0), value]
        super.init(rule)
    }

    override func fold(_ slot: Int, into state: inout AggregateState?) throws(LaminaError) {
        if state == nil { try rule.fold(values, into: &state) }
    }
}

/// `any` of the rows of a time bucket as vectors hold them: null when one of the bucket's rows in its first vector is.
///
/// The rows of a bucket come one after the other.
private final class VectorAnyAccumulator: StateAccumulator {
    /// Druid's default vector size.
    private static let vectorSize = 512

    private let input: ValueInput
    private var rowsRead = 0
    /// The vector in which the present bucket began.
    private var firstVector = 0

    init(_ rule: AnyAggregation, _ input: ValueInput) {
        self.input = input
        super.init(rule)
    }

    override func load(_ batch: Batch) throws(LaminaError) { try input.load(batch) }

    override func fold(_ slot: Int, into state: inout AggregateState?) throws(LaminaError) {
        let vector = rowsRead / Self.vectorSize
        rowsRead += 1
        if state == nil {
            firstVector = vector
            try rule.fold([try input.value(slot)], into: &state)
        } else if vector == firstVector, try input.value(slot).isNull {
            state = .value(.null)
        }
    }
}
