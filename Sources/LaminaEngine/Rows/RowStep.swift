package import LaminaBase
package import LaminaQuery

/// Something done to the rows of a segment before a query sees them: a join, an unnesting.
///
/// A step turns a view into another view, so that every kind of query, filter and aggregator works over it unchanged.
package protocol RowStep: Sendable {
    /// Whether a name means a column that the step makes (and so hides what lies below).
    func makes(_ column: String) -> Bool
    /// Whether parts of a segment's rows may be handed over one by one.
    var isDivisible: Bool { get }
    /// The rows of each part of a segment, cut to its intervals and to those that pass `filter`, after the step.
    ///
    /// - Parameter parts: in order; of a stored segment the only one.
    func apply(
        _ parts: [SegmentInput],
        filter: Filter?,
        _ surroundings: RowSteps.Surroundings,
        _ run: QueryRun
    ) throws(LaminaError) -> [SegmentInput]
}

/// The steps between base segments and a query, with the filters that apply before each of them.
package struct RowSteps: Sendable {
    /// What steps know of the query they belong to.
    package struct Surroundings: Sendable {
        /// Expressions of joins and unnestings see the query's virtual columns, as in Druid.
        package var virtualColumns: [VirtualColumn]
        /// Rows count into buckets of time.
        package var isBucketed: Bool
        /// Texts in the query, its datasource aside: no column that none of them holds is read; nil: every column is.
        package var texts: Set<String>?
        /// No other step looks at the columns that one makes.
        package var isOnlyStep: Bool

        package init(
            virtualColumns: [VirtualColumn] = [],
            isBucketed: Bool = false,
            texts: Set<String>? = nil,
            isOnlyStep: Bool = false
        ) {
            self.virtualColumns = virtualColumns
            self.isBucketed = isBucketed
            self.texts = texts
            self.isOnlyStep = isOnlyStep
        }

        /// Whether the query may read a column whose name begins with a prefix.
        func mayRead(_ prefix: String) -> Bool {
            guard isOnlyStep, let texts else { return true }
            return texts.contains { text in text.contains(prefix) }
        }
    }

    private struct Entry: Sendable {
        var filters: [Filter]
        var step: any RowStep
    }

    private var entries: [Entry] = []
    /// Filters above the last step.
    private var last: [Filter] = []
    private var surroundings = Surroundings()

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }
    package var isDivisible: Bool { entries.allSatisfy { $0.step.isDivisible } }

    package mutating func add(_ step: any RowStep) {
        entries.append(Entry(filters: last, step: step))
        last = []
    }

    package mutating func add(_ filter: Filter) { last.append(filter) }

    /// Takes over what can be filtered before the steps.
    ///
    /// - Parameter pushesDown: a conjunct of the query's filter goes below every step that makes none of its columns: also below
    ///   joins that keep right rows, as in Druid (`enableJoinFilterPushDown`).
    /// - Returns: the query with the filter that is left for it.
    package mutating func bind(_ query: Query, pushesDown: Bool) -> Query {
        surroundings = Surroundings(
            virtualColumns: query.virtualColumns,
            isBucketed: query.isBucketed,
            texts: query.texts,
            isOnlyStep: entries.count == 1
        )
        var left: [Filter] = []
        for part in (last + (query.filter.map { [$0] } ?? [])).flatMap(\.conjuncts) {
            guard pushesDown, let place = place(of: part) else {
                left.append(part)
                continue
            }
            entries[place].filters.append(part)
        }
        last = []
        var bound = query
        bound.filter = Self.conjunction(left)
        return bound
    }

    /// The lowest step before which a filter may be applied; nil: after all of them.
    private func place(of filter: Filter) -> Int? {
        let names = inputs(of: filter)
        if names.isEmpty { return nil }
        var place: Int?
        for index in entries.indices.reversed() {
            if names.contains(where: { entries[index].step.makes($0) }) { break }
            place = index
        }
        return place
    }

    /// The columns a filter reads, those behind virtual columns too.
    private func inputs(of filter: Filter) -> Set<String> {
        var found: Set<String> = []
        var pending = Array(filter.requiredColumns)
        while let name = pending.popLast() {
            guard found.insert(name).inserted else { continue }
            if let column = surroundings.virtualColumns.first(where: { $0.name == name }) {
                pending += column.expression.requiredColumns
            }
        }
        return found
    }

    /// What applies to base rows; nil: nothing.
    package var baseFilter: Filter? { entries.first.flatMap { Self.conjunction($0.filters) } }

    private static func conjunction(_ filters: [Filter]) -> Filter? {
        filters.count <= 1 ? filters.first : .and(filters)
    }

    /// The parts of a segment after all steps, as many as before.
    func apply(_ parts: [SegmentInput], _ run: QueryRun) throws(LaminaError) -> [SegmentInput] {
        var parts = parts
        for entry in entries {
            try run.poll()
            parts = try entry.step.apply(parts, filter: Self.conjunction(entry.filters), surroundings, run)
        }
        return parts
    }
}

extension Filter {
    /// What `and` joins at the top.
    fileprivate var conjuncts: [Filter] {
        if case .and(let fields) = self { fields.flatMap(\.conjuncts) } else { [self] }
    }
}

extension Query {
    /// Every text of the query but those of its datasource; nil when it reads all columns.
    fileprivate var texts: Set<String>? {
        switch kind {
        case .scan(let scan) where scan.columns.isEmpty: return nil
        case .search(let search) where search.dimensions == nil: return nil
        default: break
        }
        guard case .object(var object) = json else { return nil }
        var found: Set<String> = []
        object["dataSource"] = nil
        var pending: [JSON] = [.object(object)]
        while let next = pending.popLast() {
            switch next {
            case .string(let text): found.insert(text)
            case .array(let items): pending += items
            case .object(let object): for entry in object.entries { pending.append(entry.value) }
            default: break
            }
        }
        return found
    }

    /// Whether rows count into buckets of time.
    fileprivate var isBucketed: Bool {
        switch kind {
        case .timeseries(let query): !query.granularity.isAll
        case .topN(let query): !query.granularity.isAll
        case .groupBy(let query): !query.granularity.isAll
        case .search(let query): !query.granularity.isAll
        case .scan, .timeBoundary, .segmentMetadata, .dataSourceMetadata: false
        }
    }
}
