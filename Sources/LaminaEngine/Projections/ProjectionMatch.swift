import LaminaBase
import LaminaQuery
import LaminaSegment

/// A grouping query turned into one over a projection's rows.
struct ProjectionMatch {
    var input: SegmentInput
    var task: GroupingTask
}

extension GroupingTask {
    /// The best projection of a segment that answers the query exactly as the segment's rows would; nil when there is none.
    ///
    /// Stricter than Druid 33 where its rules give other answers than the rows themselves: intervals must not cut time buckets,
    /// buckets must lie whole in the query's, and filters and dimensions read grouping columns only.
    /// - Errors: the context asks for a projection and none fits.
    /// - Source: `Projections.findMatchingProjection`, `AggregateProjectionMetadata.Schema.matches`.
    func projected(_ input: SegmentInput) throws(LaminaError) -> ProjectionMatch? {
        if projections.isOff { return nil }
        let stored = try input.view.projections
        if !stored.isEmpty, !(aggregators.isEmpty && dimensions.isEmpty) {
            var candidates: [(ProjectionDefinition, any ProjectionView)] = []
            for view in stored where projections.name == nil || projections.name == view.schema.name {
                // One whose aggregations or functions are not known here is no help, but no harm either.
                if let definition = try? ProjectionDefinition(view.schema) { candidates.append((definition, view)) }
            }
            candidates.sort { Self.isBetter($0, $1) }
            for (definition, view) in candidates {
                if let match = try ProjectionMatcher(self, input, definition, view).match() { return match }
            }
        }
        if input.view is Segment || !stored.isEmpty, let refusal = projections.refusal() { throw refusal }
        return nil
    }

    /// Fewest rows first, then coarser times, fewer dimensions, more aggregators, more virtual columns, the name.
    ///
    /// - Source: `AggregateProjectionMetadata.COMPARATOR`.
    private static func isBetter(
        _ left: (definition: ProjectionDefinition, view: any ProjectionView),
        _ right: (definition: ProjectionDefinition, view: any ProjectionView)
    ) -> Bool {
        if left.view.rowCount != right.view.rowCount { return left.view.rowCount < right.view.rowCount }
        let (one, other) = (left.definition, right.definition)
        if one.granularity.isFiner(than: other.granularity) { return false }
        if other.granularity.isFiner(than: one.granularity) { return true }
        if one.schema.groupingColumns.count != other.schema.groupingColumns.count {
            return one.schema.groupingColumns.count < other.schema.groupingColumns.count
        }
        if one.aggregators.count != other.aggregators.count { return one.aggregators.count > other.aggregators.count }
        if one.virtualColumns.count != other.virtualColumns.count {
            return one.virtualColumns.count > other.virtualColumns.count
        }
        return one.schema.name.utf16.lexicographicallyPrecedes(other.schema.name.utf16)
    }
}

/// Tests one projection against one query on one segment.
private struct ProjectionMatcher {
    let task: GroupingTask
    let input: SegmentInput
    let definition: ProjectionDefinition
    let view: any ProjectionView
    let queryColumns: [String: VirtualColumn]
    /// Names of the query and the projection's column that each stands for.
    var aliases: [String: String] = [:]
    /// The query's virtual columns that are still to be computed.
    var computed: [String: VirtualColumn] = [:]

    init(_ task: GroupingTask, _ input: SegmentInput, _ definition: ProjectionDefinition, _ view: any ProjectionView) {
        self.task = task
        self.input = input
        self.definition = definition
        self.view = view
        queryColumns = Dictionary(task.virtualColumns.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    }

    func match() throws(LaminaError) -> ProjectionMatch? {
        var matcher = self
        return try matcher.matched()
    }

    private mutating func matched() throws(LaminaError) -> ProjectionMatch? {
        guard definition.granularity.nests(in: task.granularity), task.granularity.isAll || view.isTimeOrdered,
            let intervals = try intervals()
        else { return nil }
        for dimension in task.dimensions {
            guard try takes(dimension.dimension) else { return nil }
        }
        for column in task.filter?.requiredColumns ?? [] {
            guard try takes(column) else { return nil }
        }
        var found: [StoredAggregation] = []
        for aggregator in task.aggregators {
            guard let stored = try stored(aggregator) else { return nil }
            found.append(stored)
        }
        var projected = task
        projected.virtualColumns = task.virtualColumns.filter { computed[$0.name] != nil }
        projected.stored = found
        let rows = AliasedProjection(view, aliases: aliases, hidden: Set(definition.virtualColumns.map(\.name)))
        return ProjectionMatch(
            input: SegmentInput(view: rows, id: input.id, intervals: intervals),
            task: projected
        )
    }

    // MARK: time

    /// The query's intervals as they are to be looked for among the projection's times; nil when one cuts a bucket that has
    /// rows.
    private func intervals() throws(LaminaError) -> [Interval]? {
        guard let bounds = try input.view.timeBounds else { return nil }
        let granularity = definition.granularity
        let wanted = Interval.condensed(input.intervals).filter { $0.start <= bounds.max && $0.end > bounds.min }
        if granularity.isNone { return wanted }
        if granularity.isAll {
            guard wanted.contains(where: { $0.start <= bounds.min && $0.end > bounds.max }) else {
                return wanted.isEmpty ? [] : nil
            }
            let time = view.dataInterval.start
            return [Interval(start: time, end: time + 1)]
        }
        var floored: [Interval] = []
        for interval in wanted {
            let start = granularity.bucketStart(max(interval.start, bounds.min))
            if interval.start > bounds.min, start != interval.start { return nil }
            if interval.end <= bounds.max, granularity.bucketStart(interval.end) != interval.end { return nil }
            floored.append(Interval(start: start, end: interval.end))
        }
        return floored
    }

    // MARK: columns

    /// Whether a column that the query reads can be had from the projection.
    ///
    /// - Source: `AggregateProjectionMetadata.Schema.matchRequiredColumn`.
    private mutating func takes(_ name: String) throws(LaminaError) -> Bool {
        guard let virtual = queryColumns[name] else { return try takesStored(name) }
        if computed[name] != nil || aliases[name] != nil { return true }
        if let stored = try storedEquivalent(of: virtual) {
            aliases[name] = stored
            return true
        }
        // Entered first: a column that refers to itself is the scan's to refuse.
        computed[name] = virtual
        if virtual.expression.requiredColumns == ["__time"], let floor = virtual.expression.timeFloor {
            return definition.granularity.nests(in: floor)
        }
        for column in virtual.expression.requiredColumns {
            guard try takes(column) else { return false }
        }
        return true
    }

    private func takesStored(_ name: String) throws(LaminaError) -> Bool {
        if name == "__time" { return definition.granularity.isNone }
        if definition.schema.groupingColumns.contains(name), definition.virtualColumn(name) == nil { return true }
        // A column that the table does not have is null everywhere.
        return try input.view.column(name) == nil
    }

    /// The grouping column that holds the values of a virtual column, in its type.
    private func storedEquivalent(of virtual: VirtualColumn) throws(LaminaError) -> String? {
        for own in definition.virtualColumns where definition.schema.groupingColumns.contains(own.name) {
            guard own.isEquivalent(to: virtual) else { continue }
            let base = input.view
            var types: [String: ColumnType] = [:]
            for name in own.expression.requiredColumns { types[name] = try base.column(name)?.type }
            guard let stored = try view.column(own.name), stored.type == own.type({ types[$0] }) else { continue }
            return own.name
        }
        return nil
    }

    // MARK: aggregations

    /// Where the projection holds what the aggregation comes to.
    private mutating func stored(_ aggregator: Aggregator) throws(LaminaError) -> StoredAggregation? {
        guard let columns = aggregator.inputColumns else { return nil }
        // A virtual column of the query is not what the projection has aggregated under that name.
        if columns.allSatisfy({ queryColumns[$0] == nil }),
            let own = definition.aggregators.first(where: { $0.isEquivalent(to: aggregator) }), own.isStorable
        {
            let name = definition.schema.fileName(own.name)
            aliases[name] = own.name
            return StoredAggregation(column: name)
        }
        // A condition on grouping columns holds for all rows of a group or for none.
        guard case .filtered(_, let inner, let filter) = aggregator else { return nil }
        for column in filter.requiredColumns {
            guard try takes(column) else { return nil }
        }
        guard var found = try stored(inner) else { return nil }
        found.filters.append(filter)
        return found
    }
}

/// A projection's rows under the names that a query uses.
private final class AliasedProjection: SegmentView {
    private let base: any ProjectionView
    private let aliases: [String: String]
    /// Columns computed from the table's, which the table itself does not have.
    private let hidden: Set<String>

    init(_ base: any ProjectionView, aliases: [String: String], hidden: Set<String>) {
        self.base = base
        self.aliases = aliases
        self.hidden = hidden
    }

    var rowCount: Int { base.rowCount }
    var dataInterval: Interval { base.dataInterval }
    var timeBounds: (min: Int64, max: Int64)? { get throws(LaminaError) { try base.timeBounds } }
    var ordering: [OrderedColumn] { base.ordering }
    var dimensions: [String] { base.dimensions.filter { !hidden.contains($0) } }
    var metrics: [String] { [] }
    var metadata: JSON? { nil }
    var sizeBytes: Int64 { base.sizeBytes }

    func column(_ name: String) throws(LaminaError) -> Column? {
        if let alias = aliases[name] { return try base.column(alias) }
        if name == "__time" { return try base.column(name) }
        guard !hidden.contains(name), base.schema.groupingColumns.contains(name) else { return nil }
        return try base.column(name)
    }
}
