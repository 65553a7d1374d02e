package import LaminaBase
package import LaminaQuery
package import LaminaSegment

/// A projection as the engine understands it: what its rows were grouped by and which aggregations they hold.
package struct ProjectionDefinition: Sendable {
    package let schema: ProjectionSchema
    package let virtualColumns: [VirtualColumn]
    package let aggregators: [Aggregator]
    /// How times were floored; `all` when the projection has no time column.
    package let granularity: Granularity

    /// Decodes virtual columns and aggregators.
    package init(_ schema: ProjectionSchema, lookups: LookupResolver? = nil) throws(LaminaError) {
        self.schema = schema
        let decoder = QueryDecoder(lookups: lookups)
        var columns: [VirtualColumn] = []
        for (index, json) in schema.virtualColumns.enumerated() {
            columns.append(try decoder.virtualColumn(json, at: "projection[\(schema.name)].virtualColumns[\(index)]"))
        }
        var aggregators: [Aggregator] = []
        for (index, json) in schema.aggregators.enumerated() {
            aggregators.append(try decoder.aggregator(json, at: "projection[\(schema.name)].aggregators[\(index)]"))
        }
        virtualColumns = columns
        self.aggregators = aggregators
        guard let time = schema.timeColumn else {
            granularity = .all
            return
        }
        granularity = columns.first { $0.name == time }?.expression.timeFloor ?? .none
    }

    /// Columns that an aggregation reads.
    package func inputs(of aggregator: Aggregator) -> Set<String> { aggregator.inputColumns ?? [] }

    func virtualColumn(_ name: String) -> VirtualColumn? { virtualColumns.first { $0.name == name } }

    /// Finds the time column among grouping columns: `__time` itself, or the finest flooring of it.
    ///
    /// - Source: `AggregateProjectionSpec.computeOrdering`.
    package static func timeColumn(of grouping: [String], _ virtualColumns: [VirtualColumn]) -> String? {
        var found: (name: String, granularity: Granularity)?
        for name in grouping {
            if name == "__time" {
                found = (name, .none)
                continue
            }
            guard let floor = virtualColumns.first(where: { $0.name == name })?.expression.timeFloor else { continue }
            if let known = found, !floor.isFiner(than: known.granularity) { continue }
            found = (name, floor)
        }
        return found?.name
    }
}

/// What a query's context says of projections.
///
/// - Source: `QueryContexts.USE_PROJECTION`, `FORCE_PROJECTION`, `NO_PROJECTIONS`.
package struct ProjectionPolicy: Sendable {
    /// Only this one will do.
    package var name: String?
    package var isForced = false
    package var isOff = false

    package init() {}

    package init(_ context: QueryContext) throws(LaminaError) {
        name = try context.string("useProjection")
        isForced = try context.bool("forceProjections", default: false)
        isOff = try context.bool("noProjections", default: false)
    }

    /// The error of a query that wants a projection where none fits; nil when it takes the rows themselves.
    ///
    /// - Source: `Projections.findMatchingProjection`.
    func refusal() -> LaminaError? {
        if isOff { return nil }
        if let name { return .invalidInput("Projection[\(name)] specified, but does not satisfy query") }
        return isForced ? .invalidInput("Force projections specified, but none satisfy query") : nil
    }

    /// Refuses a query that takes rows one by one, which no projection has, on a stored segment.
    func checkRowQuery(on view: any SegmentView) throws(LaminaError) {
        if view is Segment, let refusal = refusal() { throw refusal }
    }
}
