import LaminaBase
import LaminaBitmaps
import LaminaQuery
import LaminaSegment

/// Turns a filter into a plan for one segment.
///
/// Three-valued logic: a plan is made either for «is true» or for «is true or unknown»; `not` swaps the two, so no plan has to
/// carry unknown rows along. Source: `Filter.getBitmapColumnIndex(includeUnknown)`.
struct FilterCompiler {
    let scan: SegmentScan
    /// How many rows the scan will look at, to weigh bitmaps against reading ids.
    let rowsWanted: Int

    var rowCount: Int { scan.view.rowCount }

    func plan(_ filter: Filter, includingUnknown unknown: Bool = false) throws(LaminaError) -> FilterPlan {
        switch filter {
        case .true: return .all
        case .false: return .none
        case .and(let parts): return .and(try plans(parts, unknown))
        case .or(let parts): return .or(try plans(parts, unknown))
        case .not(let inner): return try plan(inner, includingUnknown: !unknown).negated(rowCount: rowCount)
        case .isTrue(let inner): return try plan(inner, includingUnknown: false)
        case .isFalse(let inner): return try plan(inner, includingUnknown: true).negated(rowCount: rowCount)
        case .expression(let expression, let virtualColumns):
            return try plan(expression, virtualColumns, unknown)
        case .columnComparison(let dimensions): return try plan(comparing: dimensions, unknown)
        case .in(_, let values, _) where values.isEmpty: return .none
        default:
            let (column, leaf) = try makeLeaf(filter)
            return try plan(leaf, on: try scan.column(column), named: column, unknown)
        }
    }

    private func plans(_ filters: [Filter], _ unknown: Bool) throws(LaminaError) -> [FilterPlan] {
        var plans: [FilterPlan] = []
        for filter in filters { plans.append(try plan(filter, includingUnknown: unknown)) }
        return plans
    }

    // MARK: Leaves

    private func plan(
        _ leaf: Leaf,
        on column: ScanColumn,
        named name: String,
        _ unknown: Bool
    ) throws(LaminaError) -> FilterPlan {
        let leaf = if let type = try scan.announcedType(name), type.isNumeric { leaf.overNumbers(type) } else { leaf }
        let nullPasses = leaf.onNull.passes(includingUnknown: unknown)
        switch column {
        case .missing: return nullPasses ? .all : .none
        case .string(let stored): return try planStrings(stored, leaf, unknown)
        case .mapped(let stored, let values):
            let leaf = if values.isTotal, case .array? = column.type { leaf.overArrays() } else { leaf }
            return try planMapped(stored, values, emptyPasses: nullPasses) { (value) in passes(value, leaf, unknown) }
        case .long, .double, .float, .numbers:
            if let extracted = leaf.extracted {
                return .rows(
                    ValueMatcher(try makeValueInput(column, in: scan)) {
                        extracted($0).passes(includingUnknown: unknown)
                    }
                )
            }
            return try planNumbers(column, named: name, leaf, nullPasses)
        case .object where column.type == .complex("json") && !leaf.seesNested: return nullPasses ? .all : .none
        case .object, .rows:
            let leaf = if case .array? = column.type { leaf.overArrays() } else { leaf }
            return .rows(ValueMatcher(try makeValueInput(column, in: scan)) { passes($0, leaf, unknown) })
        }
    }

    private func planNumbers(
        _ column: ScanColumn,
        named name: String,
        _ leaf: Leaf,
        _ nullPasses: Bool
    ) throws(LaminaError) -> FilterPlan {
        switch column {
        case .long(let stored):
            if !nullPasses, let plan = try planIndexed(stored.valueIndex, leaf.long, isLess: <) { return plan }
            return try planNumbers(try scan.longInput(name), leaf.long, nullPasses)
        case .numbers(.long(let input)): return try planNumbers(input, leaf.long, nullPasses)
        case .double(let stored):
            if !nullPasses, let plan = try planIndexed(stored.valueIndex, leaf.double, isLess: javaLess) { return plan }
            return try planNumbers(try scan.doubleInput(name), leaf.double, nullPasses)
        case .numbers(.double(let input)): return try planNumbers(input, leaf.double, nullPasses)
        case .float: return try planNumbers(try scan.floatInput(name), leaf.float, nullPasses)
        case .missing, .string, .mapped, .object, .rows: return .none
        }
    }

    private func planNumbers(
        _ input: NumericInput<Int64>,
        _ test: NumberTest<Int64>,
        _ nullPasses: Bool
    ) throws(LaminaError) -> FilterPlan {
        guard let kernel = kernel(test) else { return planNulls(input, nullPasses) }
        return .rows(NumberMatcher(input, nullPasses: nullPasses, kernel: kernel))
    }

    private func planNumbers(
        _ input: NumericInput<Double>,
        _ test: NumberTest<Double>,
        _ nullPasses: Bool
    ) throws(LaminaError) -> FilterPlan {
        guard let kernel = kernel(test) else { return planNulls(input, nullPasses) }
        return .rows(NumberMatcher(input, nullPasses: nullPasses, kernel: kernel))
    }

    private func planNumbers(
        _ input: NumericInput<Float>,
        _ test: NumberTest<Float>,
        _ nullPasses: Bool
    ) throws(LaminaError) -> FilterPlan {
        guard let kernel = kernel(test) else { return planNulls(input, nullPasses) }
        return .rows(NumberMatcher(input, nullPasses: nullPasses, kernel: kernel))
    }

    private func planNulls<Number>(_ input: NumericInput<Number>, _ nullPasses: Bool) -> FilterPlan {
        nullPasses && input.mayBeNull ? .rows(NullMatcher(input, keepsNull: true)) : .none
    }

    // MARK: Expressions and comparisons of columns

    private func plan(
        _ expression: Expression,
        _ virtualColumns: [VirtualColumn],
        _ unknown: Bool
    ) throws(LaminaError) -> FilterPlan {
        let inner = scan.nested(virtualColumns: virtualColumns)
        if let constant = expression.constant {
            return (constant.isNull ? Truth.unknown : Truth(constant.asBool)).passes(includingUnknown: unknown)
                ? .all : .none
        }
        let truth = { (value: Value) -> Truth in
            if case .array(let elements) = value {
                return Truth(elements.contains { $0.asBool })
            }
            return value.isNull ? .unknown : Truth(value.asBool)
        }
        let column = try inner.bind(expression)
        switch column {
        case .numbers(.long(let input)):
            return .rows(
                NumberMatcher(input, nullPasses: unknown) { refineRangeInt64($0, count: $1, 1, .max, $2) }
            )
        case .numbers(.double(let input)):
            return .rows(NumberMatcher(input, nullPasses: unknown) { refinePredicate($0, count: $1, $2) { $0 > 0 } })
        case .mapped(let stored, let values):
            return try planMapped(stored, values, emptyPasses: unknown) { truth($0).passes(includingUnknown: unknown) }
        default:
            let input = try makeValueInput(column, in: inner)
            return .rows(ValueMatcher(input) { truth($0).passes(includingUnknown: unknown) })
        }
    }

    /// Values compared as texts; rows of several values pass when they share one. Null equals null.
    ///
    /// - Source: `ColumnComparisonFilter.overlap`.
    private func plan(comparing dimensions: [DimensionSpec], _ unknown: Bool) throws(LaminaError) -> FilterPlan {
        guard let first = dimensions.first else { return .all }
        var inputs: [(ValueInput, ExtractionFunction?)] = []
        for dimension in dimensions {
            inputs.append((try scan.valueInput(dimension.dimension), dimension.extraction))
        }
        _ = first
        return .rows(ComparisonMatcher(inputs))
    }
}

/// Whether a value of any type passes a leaf.
func passes(_ value: Value, _ leaf: Leaf, _ unknown: Bool) -> Bool {
    if let other = leaf.other { return other(value).passes(includingUnknown: unknown) }
    if let extracted = leaf.extracted {
        guard case .array(let elements) = value else { return extracted(value).passes(includingUnknown: unknown) }
        return (elements.isEmpty ? [.null] : elements).contains { extracted($0).passes(includingUnknown: unknown) }
    }
    switch value {
    case .null: return leaf.onNull.passes(includingUnknown: unknown)
    case .array(let elements):
        if elements.isEmpty { return leaf.onNull.passes(includingUnknown: unknown) }
        return elements.contains { passes($0, leaf, unknown) }
    case .long(let number): return test(number, leaf.long)
    case .double(let number): return test(number, leaf.double)
    case .float(let number): return test(number, leaf.float)
    default:
        guard let text = value.asText else { return leaf.onNull.passes(includingUnknown: unknown) }
        return leaf.passes(text, includingUnknown: unknown)
    }
}

/// One number against a test: a vector of one.
private func test(_ number: Int64, _ test: NumberTest<Int64>) -> Bool {
    guard let kernel = kernel(test) else { return false }
    var mask: UInt64 = 1
    withUnsafePointer(to: number) { kernel($0, 1, &mask) }
    return mask != 0
}

private func test(_ number: Double, _ test: NumberTest<Double>) -> Bool {
    guard let kernel = kernel(test) else { return false }
    var mask: UInt64 = 1
    withUnsafePointer(to: number) { kernel($0, 1, &mask) }
    return mask != 0
}

private func test(_ number: Float, _ test: NumberTest<Float>) -> Bool {
    guard let kernel = kernel(test) else { return false }
    var mask: UInt64 = 1
    withUnsafePointer(to: number) { kernel($0, 1, &mask) }
    return mask != 0
}

/// Rows whose columns share a value.
private final class ComparisonMatcher: Matcher {
    private let inputs: [(ValueInput, ExtractionFunction?)]

    init(_ inputs: [(ValueInput, ExtractionFunction?)]) { self.inputs = inputs }

    private func texts(_ index: Int, _ slot: Int) throws(LaminaError) -> [String?] {
        let (input, extraction) = inputs[index]
        let value = try input.value(slot)
        var texts: [String?] = []
        if case .array(let elements) = value {
            for element in elements { texts.append(element.asText) }
            if texts.isEmpty { texts = [nil] }
        } else {
            texts = [value.asText]
        }
        guard let extraction else { return texts }
        return texts.map { extraction.apply($0) }
    }

    private func same(_ left: String?, _ right: String?) -> Bool {
        guard let left, let right else { return left == nil && right == nil }
        return sameText(left, right)
    }

    override func refine(_ batch: Batch, _ mask: UnsafeMutablePointer<UInt64>) throws(LaminaError) {
        for (input, _) in inputs { try input.load(batch) }
        for slot in 0..<batch.slotCount where maskTest(mask, slot) {
            let first = try texts(0, slot)
            for index in inputs.indices.dropFirst() {
                let other = try texts(index, slot)
                if !first.contains(where: { one in other.contains { same(one, $0) } }) {
                    mask[slot >> 6] &= ~(1 << UInt64(slot & 63))
                    break
                }
            }
        }
    }
}
