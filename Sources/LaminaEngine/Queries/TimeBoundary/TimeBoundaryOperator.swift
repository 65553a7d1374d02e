package import LaminaBase
package import LaminaQuery
import LaminaSegment

/// First and last time of the rows wanted.
///
/// - Source: `TimeBoundaryQueryRunnerFactory`, `TimeBoundaryQuery.mergeResults`.
package struct TimeBoundaryOperator: QueryOperator {
    package struct Partial: SegmentPartial {
        /// nil: no rows.
        var times: ClosedRange<Int64>?
    }

    let query: Query
    let bound: TimeBoundaryQuery.Bound?
    let layout: TimestampLayout

    package init(_ query: Query, _ boundary: TimeBoundaryQuery) throws(LaminaError) {
        self.query = query
        bound = boundary.bound
        layout = try TimestampLayout(query.context, .all)
    }

    package func run(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> Partial {
        Partial(times: try timesOfRows(input, query, run))
    }

    package func merge(_ partials: [Partial], _ run: QueryRun) throws(LaminaError) -> Partial {
        Partial(times: joined(partials.map(\.times)))
    }

    package func finalize(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> QueryResult {
        guard let times = merged.times else { return QueryResult([]) }
        let layout = layout
        let bound = bound
        return QueryResult {
            IndexedElements(count: 1) { _, writer in
                writer.beginObject()
                writer.key("timestamp")
                layout.write(bound == .maxTime ? times.upperBound : times.lowerBound, into: &writer)
                writer.key("result")
                writer.beginObject()
                if bound != .minTime {
                    writer.key("maxTime")
                    layout.write(times.upperBound, into: &writer)
                }
                if bound != .maxTime {
                    writer.key("minTime")
                    layout.write(times.lowerBound, into: &writer)
                }
                writer.endObject()
                writer.endObject()
            }
        }
    }
}

/// The smallest range around all the ranges; nil when there is none.
func joined(_ ranges: [ClosedRange<Int64>?]) -> ClosedRange<Int64>? {
    var all: ClosedRange<Int64>?
    for case let range? in ranges {
        all = all.map { min($0.lowerBound, range.lowerBound)...max($0.upperBound, range.upperBound) } ?? range
    }
    return all
}

/// First and last time of the rows of a segment that lie in the intervals and pass the filter; nil without any.
func timesOfRows(_ input: SegmentInput, _ query: Query, _ run: QueryRun) throws(LaminaError) -> ClosedRange<Int64>? {
    guard input.view.rowCount > 0, let bounds = try input.view.timeBounds else { return nil }
    let isWhole = input.intervals.contains { $0.start <= bounds.min && bounds.max < $0.end }
    if isWhole, query.filter == nil, input.rows == nil, input.extent == nil { return bounds.min...bounds.max }
    let scan = SegmentScan(input.view, run, virtualColumns: query.virtualColumns)
    let walk = try RowWalk(scan, input, filter: query.filter)
    let times = try scan.longInput("__time")
    var found: ClosedRange<Int64>?
    try walk.forEachBatch { (batch, rows) throws(LaminaError) in
        let values = try times.vector(batch).values
        var low = Int64.max
        var high = Int64.min
        for index in 0..<rows.count {
            let time = values[rows.slots.map { Int($0[index]) } ?? index]
            if time < low { low = time }
            if time > high { high = time }
        }
        if low <= high { found = joined([found, low...high]) }
        return true
    }
    return found
}
