package import LaminaBase
package import LaminaQuery
package import LaminaSegment

/// One segment as a query meets it: its rows, its name, and which part of it is visible and wanted.
package struct SegmentInput: Sendable {
    package var view: any SegmentView
    /// The segment's id as scan results and segmentMetadata print it.
    package var id: String
    /// The query's intervals cut to the part of the segment the timeline shows: disjoint, ascending.
    package var intervals: [Interval]
    /// Only these rows, when one segment's work is split over threads; nil: all.
    package var rows: Range<Int>?
    /// What happens to the rows before the query sees them.
    package var steps = RowSteps()
    /// Where the rows lie in time, when the view's own rows do not say it.
    package var extent: TimeExtent?
    /// The view is a part of a segment that still grows: other inputs of the same id hold the segment's other rows.
    package var isRealtime = false
    /// First and last time of all rows of the segment, when the view holds a part of them.
    package var wholeBounds: (min: Int64, max: Int64)?
    /// Its place among the parts of a segment whose steps are done together.
    var part: (all: SegmentParts, index: Int)?

    package init(view: any SegmentView, id: String, intervals: [Interval], rows: Range<Int>? = nil) {
        self.view = view
        self.id = id
        self.intervals = intervals
        self.rows = rows
    }

    /// First and last time of all rows of the segment that the view belongs to; nil without rows.
    func segmentBounds() throws(LaminaError) -> (min: Int64, max: Int64)? {
        if let wholeBounds { return wholeBounds }
        return try view.timeBounds
    }

    /// The input with its steps done.
    func opened(_ run: QueryRun) throws(LaminaError) -> SegmentInput {
        if steps.isEmpty { return self }
        if let part { return try part.all.open(part.index, run) }
        guard let opened = try steps.apply([self], run).first else { return self }
        return opened
    }
}

/// Where rows lie in time, as a query's buckets take it.
package struct TimeExtent: Sendable {
    /// First and last time of the base segment's rows; nil: nobody knows, buckets fill the query's intervals.
    package var bounds: (min: Int64, max: Int64)?
    /// Time of the first base row in the query's intervals; nil: the intervals' start counts.
    package var firstTime: Int64?
    /// The rows have been cut to the query's intervals.
    package var isCut: Bool

    package init(bounds: (min: Int64, max: Int64)?, firstTime: Int64?, isCut: Bool) {
        self.bounds = bounds
        self.firstTime = firstTime
        self.isCut = isCut
    }

    /// Of rows that lie in no segment.
    package static var unknown: TimeExtent { TimeExtent(bounds: nil, firstTime: nil, isCut: false) }
}

/// What running a query on one segment leaves to be merged: a value that may travel between threads.
package protocol SegmentPartial: Sendable {
    /// Roughly the bytes of memory it holds.
    var byteCount: Int { get }
    /// False when parts of it lie elsewhere, so that it ends with its query.
    var isWhole: Bool { get }
}

extension SegmentPartial {
    /// Little, or counted while it was made.
    package var byteCount: Int { 0 }
    package var isWhole: Bool { true }
}

/// One kind of query, bound to one query: the seam between segments, threads and the answer.
///
/// `run` is called once per segment on any thread, `merge` with all partials of the query (none, when no segment was hit)
/// in the order of their segments, `finalize` once with what `merge` gave. Between them `reduce` makes one partial of several
/// when they hold too much memory.
package protocol QueryOperator: Sendable {
    associatedtype Partial: SegmentPartial
    func run(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> Partial
    func merge(_ partials: [Partial], _ run: QueryRun) throws(LaminaError) -> Partial
    /// One partial that stands for several and holds less memory, if that can be.
    func reduce(_ partials: [Partial], _ run: QueryRun) throws(LaminaError) -> Partial
    func finalize(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> QueryResult
    /// The rows of the answer, for a query that reads them.
    func table(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> RowTable
}

extension QueryOperator {
    package func reduce(_ partials: [Partial], _ run: QueryRun) throws(LaminaError) -> Partial {
        try merge(partials, run)
    }

    package func runErased(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> any SegmentPartial {
        try self.run(try input.opened(run), run)
    }

    package func mergeErased(_ partials: [any SegmentPartial], _ run: QueryRun) throws(LaminaError)
        -> any SegmentPartial
    {
        try merge(try cast(partials), run)
    }

    package func reduceErased(_ partials: [any SegmentPartial], _ run: QueryRun) throws(LaminaError)
        -> any SegmentPartial
    {
        try reduce(try cast(partials), run)
    }

    private func cast(_ partials: [any SegmentPartial]) throws(LaminaError) -> [Partial] {
        var own: [Partial] = []
        own.reserveCapacity(partials.count)
        for partial in partials { own.append(try cast(partial)) }
        return own
    }

    package func finalizeErased(_ merged: any SegmentPartial, _ run: QueryRun) throws(LaminaError) -> QueryResult {
        try finalize(try cast(merged), run)
    }

    func tableErased(_ merged: any SegmentPartial, _ run: QueryRun) throws(LaminaError) -> RowTable {
        try table(try cast(merged), run)
    }

    private func cast(_ partial: any SegmentPartial) throws(LaminaError) -> Partial {
        guard let own = partial as? Partial else {
            throw LaminaError(
                .defensive,
                code: "defensive",
                "A partial of another query type was given to \(Self.self)"
            )
        }
        return own
    }
}

/// The engine's operator for a query.
///
/// - Errors: what binding finds wrong with the query itself (unknown metric, duplicate output name, …).
package func makeOperator(_ query: Query) throws(LaminaError) -> any QueryOperator {
    switch query.kind {
    case .timeseries(let timeseries): try TimeseriesOperator(query, timeseries)
    case .topN(let topN): try TopNOperator(query, topN)
    case .groupBy(let groupBy): try GroupByOperator(query, groupBy)
    case .scan(let scan): try ScanOperator(query, scan)
    case .search(let search): try SearchOperator(query, search)
    case .timeBoundary(let boundary): try TimeBoundaryOperator(query, boundary)
    case .segmentMetadata(let request): try SegmentMetadataOperator(query, request)
    case .dataSourceMetadata: try DataSourceMetadataOperator(query)
    }
}

/// Turns a merged partial into the answer.
package func finalizeQuery(
    _ merged: any SegmentPartial,
    _ query: Query,
    _ run: QueryRun
) throws(LaminaError) -> QueryResult {
    try makeOperator(query).finalizeErased(merged, run)
}

/// Runs a query over segments one after the other on the calling thread: what tests and small callers want.
package func answer(_ query: Query, over inputs: [SegmentInput], _ run: QueryRun) throws(LaminaError) -> QueryResult {
    let bound = try makeOperator(query)
    var partials: [any SegmentPartial] = []
    for input in inputs { partials.append(try bound.runErased(input, run)) }
    return try bound.finalizeErased(try bound.mergeErased(partials, run), run)
}
