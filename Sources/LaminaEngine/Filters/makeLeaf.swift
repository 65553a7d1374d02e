import LaminaBase
import LaminaQuery
import LaminaSketches

/// The column a leaf filter reads, and its condition.
///
/// - Source: the `DruidPredicateFactory` of each filter class.
func makeLeaf(_ filter: Filter) throws(LaminaError) -> (column: String, leaf: Leaf) {
    switch filter {
    case .selector(let dimension, let value, let extraction):
        let plain = value.map { valuesLeaf([$0], onNull: .unknown) } ?? nullLeaf()
        var leaf = plain.extracting(extraction)
        if extraction != nil { leaf.onNullNumber = nil }
        return (dimension, leaf)
    case .null(let column): return (column, nullLeaf())
    case .in(let dimension, let values, let extraction):
        let onNull: Truth = values.contains(nil) ? .yes : .unknown
        return (dimension, valuesLeaf(values.compactMap { $0 }, onNull: onNull).extracting(extraction))
    case .equals(let column, let type, let value): return (column, typedLeaf(type, [value], onNull: .unknown))
    case .inType(let column, let type, let values):
        let onNull: Truth = values.contains(.null) ? .yes : .unknown
        return (column, typedLeaf(type, values.filter { !$0.isNull }, onNull: onNull))
    case .range(let column, let type, let lower, let upper, let lowerOpen, let upperOpen):
        let bounds = RangeBounds(lower: lower, lowerOpen: lowerOpen, upper: upper, upperOpen: upperOpen)
        return (column, rangeLeaf(type, bounds))
    case .bound(let dimension, let lower, let upper, let lowerStrict, let upperStrict, let ordering, let extraction):
        let bounds = TextBounds(lower: lower, lowerOpen: lowerStrict, upper: upper, upperOpen: upperStrict)
        return (dimension, boundLeaf(bounds, ordering).extracting(extraction))
    case .like(let dimension, let pattern, let extraction):
        var leaf = Leaf(onNull: .unknown) { pattern.matches($0) }
        if let exact = pattern.exactValue {
            leaf.shape = .values([exact])
        } else if !pattern.prefix.isEmpty {
            leaf.shape = .prefix(pattern.prefix)
        }
        return (dimension, leaf.extracting(extraction))
    case .regex(let dimension, let pattern, let extraction):
        return (dimension, Leaf(onNull: .unknown) { pattern.isFound(in: $0) }.extracting(extraction))
    case .search(let dimension, let query, let extraction):
        let onNull: Truth = query.accepts(nil) ? .yes : .unknown
        var leaf = Leaf(onNull: onNull) { query.accepts($0) }
        leaf.onNullNumber = (.unknown, .unknown)
        return (dimension, leaf.extracting(extraction))
    case .bloom(let dimension, let filter, let extraction):
        return (dimension, bloomLeaf(filter).extracting(extraction))
    case .interval(let dimension, let intervals, let extraction):
        return (dimension, intervalLeaf(intervals).extracting(extraction))
    case .spatial(let column, let bound):
        return (
            column,
            Leaf(onNull: .unknown, text: { bound.contains($0) }, long: .never, double: .never, float: .never)
        )
    case .arrayContainsElement(let column, let type, let value): return (column, containsLeaf(type, value))
    case .and, .or, .not, .true, .false, .isTrue, .isFalse, .expression, .columnComparison:
        throw LaminaError(.defensive, code: "defensive", "A compound filter was taken for a leaf")
    }
}

/// Values a bloom filter may hold, each tested in its own type.
///
/// - Source: `BloomDimFilter`.
private func bloomLeaf(_ filter: BloomKFilter) -> Leaf {
    Leaf(
        onNull: filter.mayContainNull() ? .yes : .unknown,
        text: { filter.mayContain($0) },
        long: .predicate { filter.mayContain($0) },
        double: .predicate { filter.mayContain($0) },
        float: .predicate { filter.mayContain($0) }
    )
}

/// `IS NULL`, which is never unknown.
private func nullLeaf() -> Leaf {
    var leaf = Leaf(onNull: .yes, shape: .values([]), text: { _ in false }, long: .never, double: .never, float: .never)
    leaf.seesNested = true
    return leaf
}

/// One of some texts; on number columns, one of the numbers they are.
private func valuesLeaf(_ values: [String], onNull: Truth) -> Leaf {
    let set = Set(values.map { ExactText($0) })
    var leaf = Leaf(
        onNull: onNull,
        shape: .values(values),
        text: { set.contains(ExactText($0)) },
        long: .values(Set(values.compactMap(exactLong))),
        double: .values(Set(values.compactMap(parseJavaDouble))),
        float: .values(Set(values.compactMap { parseJavaDouble($0).map { Float($0) } }))
    )
    // One text alone becomes a number of the column's type, and null where it is none.
    if onNull != .yes, set.count == 1, let text = values.first {
        leaf.onNullNumber = (
            exactLong(text) == nil ? .yes : .unknown, parseJavaDouble(text) == nil ? .yes : .unknown
        )
    }
    return leaf
}

/// A whole number written in any decimal form (`12`, `12.0`); nil for others.
///
/// - Source: `DimensionHandlerUtils.getExactLongFromDecimalString`.
private func exactLong(_ text: String) -> Int64? {
    if let whole = parseJavaLong(text) { return whole }
    guard let number = parseJavaDouble(text) else { return nil }
    return Int64(exactly: number)
}

/// One of some values of a type; on columns of another type, where the value can be had without loss.
///
/// - Source: `EqualityFilter`, `ExprEval.castForEqualityComparison`.
private func typedLeaf(_ type: ColumnType, _ values: [Value], onNull: Truth) -> Leaf {
    var texts: [String] = []
    var longs: Set<Int64> = []
    var doubles: Set<Double> = []
    for value in values {
        let typed = value.cast(to: type)
        if let text = typed.asText { texts.append(text) }
        // A float is compared as the number it was written as.
        if let double = type == .float ? value.asDouble : typed.asDouble {
            doubles.insert(double)
            if let long = typed.asLong, Double(long) == double { longs.insert(long) }
        }
    }
    let set = Set(texts.map { ExactText($0) })
    var leaf = Leaf(
        onNull: onNull,
        shape: .values(texts),
        text: { set.contains(ExactText($0)) },
        long: .values(longs),
        double: .values(doubles),
        float: .values(Set(doubles.map { Float($0) }))
    )
    if case .array = type {
        leaf.other = { value in
            if value.isNull { return onNull }
            return Truth(values.contains { equalTyped($0, value) })
        }
    }
    return leaf
}

/// Arrays equal element by element, numbers by value.
private func equalTyped(_ left: Value, _ right: Value) -> Bool {
    switch (left, right) {
    case (.null, .null): return true
    case (.null, _), (_, .null): return false
    case (.string(let one), .string(let two)): return sameText(one, two)
    default: break
    }
    if let one = left.arrayElements, let two = right.arrayElements {
        return one.count == two.count && zip(one, two).allSatisfy { equalTyped($0, $1) }
    }
    if let one = left.asText, let two = right.asText, left.isText || right.isText { return sameText(one, two) }
    return left.asDouble == right.asDouble
}

extension Value {
    fileprivate var isText: Bool { if case .string = self { true } else { false } }

    /// The elements of an array; a scalar is an array of one.
    fileprivate var arrayElements: [Value]? {
        switch self {
        case .array(let elements): elements
        case .json(.array(let items)): items.map(scalarValue)
        case .null, .json, .complex: nil
        default: nil
        }
    }
}

private struct RangeBounds {
    var lower: Value?
    var lowerOpen: Bool
    var upper: Value?
    var upperOpen: Bool
}

/// A range compared in a type; never matches null.
private func rangeLeaf(_ type: ColumnType, _ bounds: RangeBounds) -> Leaf {
    let texts = TextBounds(
        lower: bounds.lower?.cast(to: type).asText,
        lowerOpen: bounds.lowerOpen,
        upper: bounds.upper?.cast(to: type).asText,
        upperOpen: bounds.upperOpen
    )
    if case .array = type { return arrayRangeLeaf(type, bounds) }
    guard type.isNumeric else {
        return Leaf(
            onNull: .unknown,
            shape: .range(
                lower: texts.lower,
                lowerOpen: texts.lowerOpen,
                upper: texts.upper,
                upperOpen: texts.upperOpen
            )
        ) { texts.contains($0, StringOrdering.lexicographic) }
    }
    return Leaf(
        onNull: .unknown,
        text: { texts.contains($0, StringOrdering.numeric) },
        long: longRange(
            bounds.lower.map { ($0.asWholeBound, $0.asDouble) },
            bounds.lowerOpen,
            bounds.upper.map { ($0.asWholeBound, $0.asDouble) },
            bounds.upperOpen
        ),
        double: doubleRange(bounds.lower?.asDouble, bounds.lowerOpen, bounds.upper?.asDouble, bounds.upperOpen),
        float: floatRange(bounds.lower?.asDouble, bounds.lowerOpen, bounds.upper?.asDouble, bounds.upperOpen)
    )
}

/// A range of arrays, compared element by element in their type, null elements first.
private func arrayRangeLeaf(_ type: ColumnType, _ bounds: RangeBounds) -> Leaf {
    let lower = bounds.lower?.cast(to: type)
    let upper = bounds.upper?.cast(to: type)
    let contains = { (value: Value) -> Bool in
        let array = value.cast(to: type)
        if let lower {
            let order = compareNatural(array, lower)
            if order < 0 || order == 0 && bounds.lowerOpen { return false }
        }
        if let upper {
            let order = compareNatural(array, upper)
            if order > 0 || order == 0 && bounds.upperOpen { return false }
        }
        return true
    }
    var leaf = Leaf(
        onNull: .unknown,
        text: { contains(.string($0)) },
        long: .predicate { contains(.long($0)) },
        double: .predicate { contains(.double($0)) },
        float: .predicate { contains(.double(Double($0))) }
    )
    leaf.other = { $0.isNull ? .unknown : Truth(contains($0)) }
    return leaf
}

extension Value {
    /// A long, when the bound is one exactly.
    fileprivate var asWholeBound: Int64? {
        switch self {
        case .long(let number): number
        case .string(let text): parseJavaLong(text)
        default: nil
        }
    }
}

private typealias NumberBound = (whole: Int64?, real: Double?)

/// Bounds between whole numbers move inwards to the next one.
private func longRange(
    _ lower: NumberBound?,
    _ lowerOpen: Bool,
    _ upper: NumberBound?,
    _ upperOpen: Bool
) -> NumberTest<Int64> {
    var low: Int64?
    var high: Int64?
    if let lower {
        if let whole = lower.whole {
            low = whole
        } else if let real = lower.real, !real.isNaN {
            if real >= 0x1p63 { return .never }
            low = saturatingLong(lowerOpen ? real.rounded(.down) : real.rounded(.up))
        } else {
            return .never
        }
    }
    if let upper {
        if let whole = upper.whole {
            high = whole
        } else if let real = upper.real, !real.isNaN {
            if real < -0x1p63 { return .never }
            high = saturatingLong(upperOpen ? real.rounded(.up) : real.rounded(.down))
        } else {
            return .never
        }
    }
    return .range(lower: low, lowerOpen: lowerOpen, upper: high, upperOpen: upperOpen)
}

private func doubleRange(
    _ lower: Double?,
    _ lowerOpen: Bool,
    _ upper: Double?,
    _ upperOpen: Bool
) -> NumberTest<Double> { .range(lower: lower, lowerOpen: lowerOpen, upper: upper, upperOpen: upperOpen) }

/// Floats are compared as doubles, so that a bound between two floats separates them.
private func floatRange(
    _ lower: Double?,
    _ lowerOpen: Bool,
    _ upper: Double?,
    _ upperOpen: Bool
) -> NumberTest<Float> {
    .predicate { number in
        let value = Double(number)
        if let lower, lowerOpen ? !javaLess(lower, value) : javaLess(value, lower) { return false }
        if let upper, upperOpen ? !javaLess(value, upper) : javaLess(upper, value) { return false }
        return true
    }
}

private struct TextBounds {
    var lower: String?
    var lowerOpen: Bool
    var upper: String?
    var upperOpen: Bool

    func contains(_ value: String, _ ordering: StringOrdering) -> Bool {
        if let lower {
            let order = ordering.compare(value, lower)
            if order < 0 || order == 0 && lowerOpen { return false }
        }
        if let upper {
            let order = ordering.compare(value, upper)
            if order > 0 || order == 0 && upperOpen { return false }
        }
        return true
    }
}

/// Druid's old range filter: texts in an ordering; null passes when there is no lower bound.
///
/// - Source: `BoundDimFilter`.
private func boundLeaf(_ bounds: TextBounds, _ ordering: StringOrdering) -> Leaf {
    let onNull: Truth = bounds.lower == nil ? .yes : ordering == .lexicographic ? .unknown : .no
    var leaf = Leaf(onNull: onNull) { bounds.contains($0, ordering) }
    leaf.onNullNumber = (.unknown, .unknown)
    if ordering == .lexicographic {
        leaf.shape = .range(
            lower: bounds.lower,
            lowerOpen: bounds.lowerOpen,
            upper: bounds.upper,
            upperOpen: bounds.upperOpen
        )
    }
    guard ordering == .numeric else { return leaf }
    let lower = bounds.lower.map { (parseJavaLong($0), parseJavaDouble($0)) }
    let upper = bounds.upper.map { (parseJavaLong($0), parseJavaDouble($0)) }
    // A text that is no number is less than all numbers.
    if upper != nil && upper?.1 == nil {
        leaf.long = .never
        leaf.double = .never
        leaf.float = .never
    } else {
        leaf.long = longRange(lower?.1 == nil ? nil : lower, bounds.lowerOpen, upper, bounds.upperOpen)
        leaf.double = doubleRange(lower?.1, bounds.lowerOpen, upper?.1, bounds.upperOpen)
        leaf.float = floatRange(lower?.1, bounds.lowerOpen, upper?.1, bounds.upperOpen)
    }
    return leaf
}

/// Instants in one of some intervals; texts are read as numbers.
///
/// - Source: `IntervalDimFilter`, an OR of numeric bounds.
private func intervalLeaf(_ intervals: [Interval]) -> Leaf {
    let inside = { (instant: Int64) in intervals.contains { $0.contains(instant) } }
    let bounds = intervals.map {
        TextBounds(lower: String($0.start), lowerOpen: false, upper: String($0.end), upperOpen: true)
    }
    var long = NumberTest<Int64>.predicate(inside)
    if intervals.count == 1 {
        long = .range(lower: intervals[0].start, lowerOpen: false, upper: intervals[0].end, upperOpen: true)
    }
    var leaf = Leaf(
        onNull: .no,
        text: { text in bounds.contains { $0.contains(text, StringOrdering.numeric) } },
        long: long,
        double: .predicate { value in intervals.contains { Double($0.start) <= value && value < Double($0.end) } },
        float: .predicate { value in
            intervals.contains { Double($0.start) <= Double(value) && Double(value) < Double($0.end) }
        }
    )
    leaf.onNullNumber = (.unknown, .unknown)
    return leaf
}

/// An element of an array; a scalar counts as an array of one.
///
/// - Source: `ArrayContainsElementFilter`.
private func containsLeaf(_ type: ColumnType, _ element: Value) -> Leaf {
    // Null is one of an array's elements, but no array: a null row is unknown, whatever is looked for.
    var leaf = typedLeaf(type, element.isNull ? [] : [element], onNull: .unknown)
    leaf.other = { value in
        switch value {
        case .null: return .unknown
        case .array(let elements): return Truth(elements.contains { equalTyped($0, element) })
        case .json(.array(let items)): return Truth(items.contains { equalTyped(scalarValue($0), element) })
        default: return Truth(equalTyped(value, element))
        }
    }
    return leaf
}
