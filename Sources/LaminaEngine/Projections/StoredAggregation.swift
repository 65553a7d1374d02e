import LaminaBase
import LaminaBitmaps
import LaminaQuery
import LaminaSegment

/// Where a projection holds the partial results of an aggregation.
struct StoredAggregation {
    var column: String
    /// Conditions on grouping columns that rows must pass too.
    var filters: [Filter] = []
}

extension Aggregator {
    /// What it is, as far as it can be made: one with wrong parameters fits no projection, and fails where it is run.
    private var known: (any ValueAggregation)? { (try? makeValueAggregation(self)) ?? nil }

    /// Columns that the aggregation reads, its filters' too; nil where that is not known.
    var inputColumns: Set<String>? {
        switch self {
        case .count: return []
        case .number(_, _, _, .field(let field)): return [field]
        case .number(_, _, _, .expression(let expression)): return Set(expression.requiredColumns)
        case .filtered(_, let inner, let filter): return inner.inputColumns?.union(filter.requiredColumns)
        default: return known.map { Set($0.inputs) }
        }
    }

    /// Whether both aggregate the same, whatever they are called.
    ///
    /// - Source: `AggregatorFactory.substituteCombiningFactory`: equality but for the name.
    func isEquivalent(to other: Aggregator) -> Bool {
        switch (self, other) {
        case (.count, .count): return true
        case (.number(_, let type, let fold, let input), .number(_, let otherType, let otherFold, let otherInput)):
            guard type == otherType, fold == otherFold else { return false }
            switch (input, otherInput) {
            case (.field(let one), .field(let other)): return one == other
            case (.expression(let one), .expression(let other)): return one.isEquivalent(to: other)
            default: return false
            }
        case (.filtered(_, let inner, let filter), .filtered(_, let otherInner, let otherFilter)):
            return inner.isEquivalent(to: otherInner) && filter.isEquivalent(to: otherFilter)
        case (.filtered, _), (_, .filtered), (.count, _), (_, .count), (.number, _), (_, .number), (.expression, _):
            return false
        default:
            guard let rule = known, let otherRule = other.known else { return false }
            return rule.inputs == otherRule.inputs && readsPlainColumns && other.readsPlainColumns
                && namelessJSON == other.namelessJSON && namelessJSON != nil
        }
    }

    /// Dimensions of a `cardinality` may be more than columns.
    private var readsPlainColumns: Bool {
        guard case .cardinality(_, let dimensions, let byRow, _) = self else { return true }
        // By row and by column differ unless there is one column only.
        if byRow || dimensions.count > 1 { return false }
        return dimensions.allSatisfy { if case .default = $0 { true } else { false } }
    }

    /// Kind and parameters as Druid would record them.
    private var namelessJSON: JSON? {
        guard case .object(var object)? = combiningJSON else { return nil }
        for key in ["name", "fieldName", "shouldFinalize"] { object[key] = nil }
        return .object(object)
    }

    /// Whether partial results can be kept in a column and read again.
    var isStorable: Bool {
        switch self {
        case .count, .number: true
        case .filtered(_, let inner, _): inner.isStorable
        case .grouping: false
        default: known?.storedType != nil
        }
    }

    /// The aggregation inside filters.
    private var unfiltered: Aggregator {
        if case .filtered(_, let inner, _) = self { inner.unfiltered } else { self }
    }

    /// Whether it counts: 0, not null, where nothing was seen.
    var isCount: Bool { if case .count = unfiltered { true } else { false } }

    /// The accumulator that puts partial results in a column together.
    func makeStoredAccumulator(
        _ stored: StoredAggregation,
        in scan: SegmentScan,
        rowsWanted: Int
    ) throws(LaminaError) -> Accumulator {
        let aggregator = unfiltered
        var accumulator: Accumulator
        if let rule = try makeValueAggregation(aggregator) {
            accumulator = StoredStateAccumulator(rule, try scan.valueInput(stored.column))
        } else {
            var number = Aggregator.number(name: name, type: .long, fold: .sum, input: .field(stored.column))
            if case .number(_, let type, let fold, _) = aggregator {
                number = .number(name: name, type: type, fold: fold, input: .field(stored.column))
            }
            accumulator = try makeAccumulator(
                number,
                in: scan,
                rowsWanted: rowsWanted,
                skipsRows: !stored.filters.isEmpty
            )
        }
        for filter in stored.filters {
            let plan = try FilterCompiler(scan: scan, rowsWanted: rowsWanted).plan(filter)
            accumulator = FilteredAccumulator(plan.matcher, accumulator)
        }
        return isCount ? TotalAccumulator(accumulator) : accumulator
    }
}

/// Joins stored states.
private final class StoredStateAccumulator: StateAccumulator {
    private let input: ValueInput

    init(_ rule: any ValueAggregation, _ input: ValueInput) {
        self.input = input
        super.init(rule)
    }

    override func load(_ batch: Batch) throws(LaminaError) { try input.load(batch) }

    override func fold(_ slot: Int, into state: inout AggregateState?) throws(LaminaError) {
        guard let more = try rule.state(fromStored: try input.value(slot)) else { return }
        if state == nil { state = more } else { try rule.merge(more, into: &state) }
    }
}

/// Sums counts: 0 where nothing was seen.
private final class TotalAccumulator: Accumulator {
    private let sums: Accumulator

    init(_ sums: Accumulator) { self.sums = sums }

    override func grow(to count: Int) { sums.grow(to: count) }

    override func fold(_ batch: Batch, _ rows: SlotSet, group: Int) throws(LaminaError) {
        try sums.fold(batch, rows, group: group)
    }

    override func fold(_ batch: Batch, _ rows: SlotSet, groups: UnsafePointer<UInt32>) throws(LaminaError) {
        try sums.fold(batch, rows, groups: groups)
    }

    override func emit(_ groups: [UInt32]) -> AggregateColumn {
        var column = sums.emit(groups)
        column.seen = []
        return column
    }
}

extension AggregateColumn {
    /// The partial results of all groups as a segment's column.
    func storedColumn(as aggregator: Aggregator) throws(LaminaError) -> Column {
        var nulls = RoaringBitmap()
        for (row, flag) in seen.enumerated() where flag == 0 { nulls.append(UInt32(row)) }
        let nullRows = nulls.isEmpty || aggregator.isCount ? nil : nulls
        switch numbers {
        // What saw nothing holds the fold's neutral value; a column has zeros there.
        case .long(let values): return .long(MemoryLongColumn(clearing(values, 0), nullRows: nullRows))
        case .float(let values): return .float(MemoryFloatColumn(clearing(values, 0), nullRows: nullRows))
        case .double(let values): return .double(MemoryDoubleColumn(clearing(values, 0), nullRows: nullRows))
        case .states(let states, let rule):
            guard let type = rule.storedType else { throw .unsupported("storing aggregator \(aggregator.name)") }
            let values = states.map { rule.stored($0) }
            return column(values, type)
        }
    }

    private func clearing<Number>(_ values: [Number], _ zero: Number) -> [Number] {
        if seen.isEmpty { return values }
        return values.indices.map { seen[$0] == 0 ? zero : values[$0] }
    }

    private func column(_ values: [Value], _ type: ColumnType) -> Column {
        var nulls = RoaringBitmap()
        for (row, value) in values.enumerated() where value.isNull { nulls.append(UInt32(row)) }
        let nullRows = nulls.isEmpty ? nil : nulls
        switch type {
        case .long: return .long(MemoryLongColumn(values.map { $0.asLong ?? 0 }, nullRows: nullRows))
        case .double: return .double(MemoryDoubleColumn(values.map { $0.asDouble ?? 0 }, nullRows: nullRows))
        case .float: return .float(MemoryFloatColumn(values.map { Float($0.asDouble ?? 0) }, nullRows: nullRows))
        case .string: return .string(stringColumn(values))
        default: return .object(MemoryObjectColumn(values, type: type))
        }
    }
}
