package import LaminaBase
import LaminaQuery
package import LaminaSegment

/// Groups and aggregates all rows of a segment as a projection says: the projection's rows, in its order.
///
/// - Parameter types: of grouping columns that are virtual columns: how their values are stored (nil: as they are); columns of
///   the table keep their own form.
/// - Errors: an aggregation whose results cannot be stored; what expressions find wrong.
/// - Source: `OnHeapAggregateProjection`, `IndexMergerV9.makeProjections`. Druid aggregates the rows that come in, not those
///   that are stored, so that over a table with rollup its projections count other things than the table's own rows do.
package func buildProjection(
    _ definition: ProjectionDefinition,
    types: [String: ColumnType?],
    of base: any SegmentView,
    _ run: QueryRun
) throws(LaminaError) -> any ProjectionView {
    let schema = definition.schema
    let scan = SegmentScan(base, run, virtualColumns: definition.virtualColumns)
    let all = SegmentInput(view: base, id: schema.name, intervals: [.eternity])
    let walk = try RowWalk(scan, all, filter: nil)
    var keys: [ProjectionKey] = []
    for name in schema.groupingColumns {
        if name == schema.timeColumn {
            keys.append(TimeKey(definition.granularity, try scan.longInput("__time")))
        } else if definition.virtualColumn(name) != nil {
            keys.append(try makeKey(try scan.column(name), as: types[name] ?? nil, in: scan))
        } else {
            keys.append(try makeStoredKey(try scan.column(name), in: scan))
        }
    }
    var accumulators: [Accumulator] = []
    for aggregator in definition.aggregators {
        guard aggregator.isStorable else {
            throw .unsupported("projection[\(schema.name)]: aggregator \(aggregator.name) cannot be stored")
        }
        accumulators.append(try makeAccumulator(aggregator, in: scan, rowsWanted: base.rowCount))
    }
    let groups = TupleGroups(keys)
    try walk.forEachBatch { (batch, rows) throws(LaminaError) in
        let numbers = try groups.assign(batch, rows.count)
        for accumulator in accumulators {
            accumulator.grow(to: groups.count)
            try accumulator.fold(batch, rows, groups: numbers)
        }
        return true
    }
    let order = try groups.sorted()
    var columns: [String: Column] = [:]
    for (index, name) in schema.groupingColumns.enumerated() {
        columns[name] = try keys[index].column(groups.codes(of: index, order))
    }
    for (index, aggregator) in definition.aggregators.enumerated() {
        accumulators[index].grow(to: groups.count)
        columns[aggregator.name] = try accumulators[index].emit(order).storedColumn(as: aggregator)
    }
    return BuiltProjection(schema, rowCount: groups.count, dataInterval: base.dataInterval, columns: columns)
}

/// Rows of a projection in memory.
private final class BuiltProjection: ProjectionView {
    let schema: ProjectionSchema
    let rowCount: Int
    let dataInterval: Interval
    private let columns: [String: Column]

    init(_ schema: ProjectionSchema, rowCount: Int, dataInterval: Interval, columns: [String: Column]) {
        self.schema = schema
        self.rowCount = rowCount
        self.dataInterval = dataInterval
        self.columns = columns
    }

    var ordering: [OrderedColumn] { schema.orderingOfRows }
    var dimensions: [String] { schema.dimensions }
    var metrics: [String] { schema.metrics }
    var metadata: JSON? { nil }
    var sizeBytes: Int64 { 0 }

    var timeBounds: (min: Int64, max: Int64)? {
        get throws(LaminaError) {
            guard rowCount > 0 else { return nil }
            guard let time = schema.timeColumn, case .long(let column)? = columns[time] else {
                return (dataInterval.start, dataInterval.start)
            }
            let reader = column.makeReader()
            defer { withExtendedLifetime(reader) {} }
            let values = try reader.read(0..<rowCount)
            return values.min().flatMap { low in values.max().map { (low, $0) } }
        }
    }

    func column(_ name: String) throws(LaminaError) -> Column? {
        guard name == "__time" else { return columns[name] }
        guard let time = schema.timeColumn else {
            return .long(ConstantLongColumn(dataInterval.start, rowCount: rowCount))
        }
        return columns[time]
    }
}

/// A segment's rows together with projections made of them.
package final class ProjectedSegment: SegmentView {
    private let base: any SegmentView
    private let made: [any ProjectionView]

    package init(_ base: any SegmentView, _ projections: [any ProjectionView]) {
        self.base = base
        made = projections
    }

    package var rowCount: Int { base.rowCount }
    package var dataInterval: Interval { base.dataInterval }
    package var timeBounds: (min: Int64, max: Int64)? { get throws(LaminaError) { try base.timeBounds } }
    package var ordering: [OrderedColumn] { base.ordering }
    package var dimensions: [String] { base.dimensions }
    package var metrics: [String] { base.metrics }
    package var metadata: JSON? { base.metadata }
    package var sizeBytes: Int64 { base.sizeBytes }
    package var projections: [any ProjectionView] { get throws(LaminaError) { made } }
    package func column(_ name: String) throws(LaminaError) -> Column? { try base.column(name) }
}
