package import LaminaBase
package import LaminaEngine
package import LaminaQuery
package import LaminaSegment
import Synchronization

/// Answers queries: which segments, in parallel, merged.
///
/// A query takes the timeline of its datasource once and works on that: publishing, replacing and marking unused swap the
/// timeline for queries to come and touch none that runs. All CPU work is done by one pool of as many threads as cores.
///
/// - Source: Druid's `CachingClusteredClient`, `ServerManager`, `QueryScheduler`.
package final class Broker: Sendable {
    package struct Options: Sendable {
        package var threads = 2
        /// Bytes one query may hold.
        package var queryBytesMax = 2 << 30
        /// Bytes one query may put on disk when it needs more than that.
        package var spilledBytesMax = 64 << 30
        /// Where those go, into files without names.
        package var temporaryDirectory = "/tmp"
        /// `druid.server.http.defaultQueryTimeout`.
        package var defaultTimeoutMillis: Int64 = 300_000
        /// `druid.server.http.maxQueryTimeout`: longer timeouts are refused.
        package var maxTimeoutMillis = Int64.max
        /// Bytes of partial answers of published segments that are kept; 0: none.
        package var cacheBytes = 256 << 20
        /// How many queries of a lane may run at once (`druid.query.scheduler.laning.lanes.*`).
        package var laneLimits: [String: Int] = [:]

        package init() {}
    }

    let options: Options
    let pool: WorkerPool
    private let segments: SegmentTable
    private let tables = Mutex<[String: Table]>([:])
    private let scheduler: QueryScheduler
    private let cache: SegmentCache

    /// - Parameter path: the folder or zip of a stored segment; nil when it has none.
    package init(options: Options = Options(), path: @escaping @Sendable (DataSegment) -> String?) throws(LaminaError) {
        self.options = options
        pool = try WorkerPool(threads: options.threads)
        segments = SegmentTable(path: path)
        scheduler = QueryScheduler(limits: options.laneLimits)
        cache = SegmentCache(bytesMax: options.cacheBytes)
    }

    /// What queries see of a datasource.
    private struct Table {
        var timeline: SegmentTimeline
        /// Segments of the timeline whose rows still grow in memory.
        var realtime: [SegmentID: any RealtimeRows]
    }

    /// Replaces what is visible of a datasource, for queries that start from now on.
    ///
    /// - Parameters:
    ///   - timeline: all segments that count, stored or growing.
    ///   - realtime: the rows of those that still grow; several ids may share one object, each showing its own stretch of time.
    package func update(
        dataSource: String,
        timeline: SegmentTimeline,
        realtime: [SegmentID: any RealtimeRows] = [:]
    ) {
        let before = tables.withLock { tables in
            defer { tables[dataSource] = timeline.isEmpty ? nil : Table(timeline: timeline, realtime: realtime) }
            return tables[dataSource]?.timeline
        }
        let kept = Set(timeline.segments.map(\.id))
        segments.keep(kept, of: dataSource)
        cache.forget(Set((before?.segments ?? []).map(\.id).filter { !kept.contains($0) }.map(\.text)))
    }

    /// Cancels every running query of that id.
    /// - Returns: whether there was one.
    @discardableResult
    package func cancel(queryID: String) -> Bool { scheduler.cancel(queryID) }

    /// How often a partial answer of a segment was taken from the cache.
    package var cacheHits: Int { cache.hits }

    /// A query's answer, and a tag that changes when the answer may.
    package struct Answer: Sendable {
        /// nil: the tag is the one the client has.
        package var result: QueryResult?
        /// nil: nobody can say when the answer changes.
        package var entityTag: String?
    }

    /// Runs a query to its end on the calling thread, which waits for the pool.
    ///
    /// - Parameter onStart: given the run before any work, to cancel it from elsewhere.
    package func run(
        _ query: Query,
        onStart: (QueryRun) -> Void = { _ in }
    ) throws(LaminaError) -> QueryResult {
        try answer(query, onStart: onStart).result ?? QueryResult([])
    }

    /// As `run`, for a client that may have the answer already.
    ///
    /// - Parameter knownTag: the tag of the answer that the client has (`If-None-Match`).
    package func answer(
        _ query: Query,
        knownTag: String? = nil,
        onStart: (QueryRun) -> Void = { _ in }
    ) throws(LaminaError) -> Answer {
        let priority = Int(clamping: try query.context.int("priority", default: 0))
        let run = try makeRun(query)
        let place = try scheduler.enter(run, query)
        onStart(run)
        let limits = try SubqueryLimits(query.context, automaticBytes: options.queryBytesMax / 2)
        var context = SourceContext(run: run, priority: priority, limits: limits)
        let source = try resolve(query, &context)
        let tag = source.isPlain ? entityTag(source.query, source.inputs) : nil
        if let tag, tag == knownTag { return Answer(result: nil, entityTag: tag) }
        let policy = try CachePolicy(source.query, isPlain: source.isPlain, isOn: cache.isOn)
        let result: QueryResult
        if try query.context.bool("bySegment", default: false) {
            result = try answerBySegment(source.query, source.inputs, run, priority: priority)
        } else {
            result = try answer(source.query, source.inputs, run, priority: priority, policy)
        }
        return Answer(result: result.holding(place), entityTag: tag)
    }

    private func makeRun(_ query: Query) throws(LaminaError) -> QueryRun {
        let timeout = try query.context.int(
            "timeout",
            default: min(options.defaultTimeoutMillis, options.maxTimeoutMillis)
        )
        guard timeout >= 0 else { throw .invalidInput("timeout [\(timeout)] must not be negative") }
        let longest = min(options.maxTimeoutMillis, try query.context.int("maxQueryTimeout", default: .max))
        guard timeout <= longest else {
            throw .invalidInput(
                "The timeout of \(timeout) ms is more than the limit of \(longest) ms (maxQueryTimeout)"
            )
        }
        let diskBytes = try spilledBytesMax(query.context, server: options.spilledBytesMax)
        return QueryRun(
            timeoutMillis: timeout,
            memory: MemoryBudget(limitBytes: options.queryBytesMax),
            workers: pool.threads,
            spill: diskBytes > 0 ? SpillFile(directory: options.temporaryDirectory, bytesMax: diskBytes) : nil
        )
    }

    private func answer(
        _ query: Query,
        _ inputs: [SegmentInput],
        _ run: QueryRun,
        priority: Int,
        _ policy: CachePolicy? = nil
    ) throws(LaminaError) -> QueryResult {
        // Rows without an order are read while they are written: one batch in memory.
        if let stream = try streamScan(query, over: inputs, run) { return stream }
        return try finalizeQuery(try partial(query, inputs, run, priority: priority, policy), query, run)
    }

    /// The merged partial of a query over its inputs.
    func partial(
        _ query: Query,
        _ inputs: [SegmentInput],
        _ run: QueryRun,
        priority: Int,
        _ policy: CachePolicy? = nil
    ) throws(LaminaError) -> any SegmentPartial {
        try runOnPool(pieces(of: query, inputs), try makeOperator(query), run, priority: priority, policy)
    }

    /// The answer of each segment by itself, under its name.
    ///
    /// - Source: Druid's `BySegmentQueryRunner`, `BySegmentResultValueClass`.
    private func answerBySegment(
        _ query: Query,
        _ inputs: [SegmentInput],
        _ run: QueryRun,
        priority: Int
    ) throws(LaminaError) -> QueryResult {
        var answers: [JSON] = []
        for parts in Self.bySegment(inputs) {
            guard let input = parts.first else { continue }
            let result = try answer(query, parts, run, priority: priority)
            let interval = input.intervals.first ?? input.view.dataInterval
            answers.append([
                "timestamp": .string(instantText(interval.start)),
                "result": [
                    "results": try JSONParser.parse(try result.jsonText()),
                    "segment": .string(input.id),
                    "interval": .string(interval.text),
                ],
            ])
        }
        return QueryResult(answers)
    }

    /// The inputs segment by segment: of one that still grows there are several.
    static func bySegment(_ inputs: [SegmentInput]) -> [[SegmentInput]] {
        var groups: [[SegmentInput]] = []
        for input in inputs {
            if input.isRealtime, let last = groups.last?.last, last.isRealtime, last.id == input.id {
                groups[groups.count - 1].append(input)
            } else {
                groups.append([input])
            }
        }
        return groups
    }

    /// One segment and the parts of it that a query sees.
    struct Lease: Sendable {
        var segment: DataSegment
        var intervals: [Interval]
        /// Of a segment that still grows.
        var rows: (any RealtimeRows)?
    }

    /// The visible segments of a table in the query's intervals, by time, then partition.
    ///
    /// - Parameters:
    ///   - query: its filter is what applies to the table's own rows.
    ///   - isPlain: the query sees the table's rows as they are.
    func leases(for query: Query, table name: String, isPlain: Bool) throws(LaminaError) -> [Lease] {
        guard let shown = tables.withLock({ $0[name] }) else { return [] }
        let timeline = shown.timeline
        var places: [SegmentID: Int] = [:]
        var leases: [Lease] = []
        for interval in intervals(of: query, timeline) {
            for entry in timeline.lookup(interval) {
                for segment in entry.segments {
                    if let place = places[segment.id] {
                        leases[place].intervals.append(entry.interval)
                    } else {
                        places[segment.id] = leases.count
                        leases.append(
                            Lease(segment: segment, intervals: [entry.interval], rows: shown.realtime[segment.id])
                        )
                    }
                }
            }
        }
        if let filter = query.filter, try query.context.bool("secondaryPartitionPruning", default: true) {
            leases.removeAll { !mayHold($0.segment.shardSpec, filter, virtualColumns: query.virtualColumns) }
        }
        return isPlain ? narrowed(leases, query) : leases
    }

    /// Without a filter the first and last rows lie in the first and last segments, when these are wanted whole.
    ///
    /// - Source: `TimeBoundaryQueryQueryToolChest.filterSegments`, which also narrows when a segment is wanted in part and
    ///   has no row there.
    private func narrowed(_ all: [Lease], _ query: Query) -> [Lease] {
        // One that was just opened holds nothing yet.
        let leases = all.filter { !$0.segment.isTombstone && $0.rows?.rowCount != 0 }
        guard case .timeBoundary(let boundary) = query.kind, query.filter == nil,
            let first = leases.first?.segment.interval, leases.first?.intervals == [first],
            let last = leases.last?.segment.interval, leases.last?.intervals == [last]
        else { return leases }
        return leases.filter { lease in
            boundary.bound != .maxTime && lease.segment.interval.overlaps(first)
                || boundary.bound != .minTime && lease.segment.interval.overlaps(last)
        }
    }

    /// The query's intervals; a segmentMetadata query without any looks at the last week of data.
    ///
    /// - Source: `SegmentMetadataQueryQueryToolChest.filterSegments`, `defaultHistory` P1W.
    private func intervals(of query: Query, _ timeline: SegmentTimeline) -> [Interval] {
        guard case .segmentMetadata(let metadata) = query.kind, metadata.usesDefaultInterval, let span = timeline.span
        else { return Interval.condensed(query.intervals) }
        let week: Int64 = 7 * 86_400_000
        return [Interval(start: max(span.start, span.end - week), end: span.end)]
    }

    /// Opens the segments.
    func open(_ leases: [Lease], _ run: QueryRun) throws(LaminaError) -> [SegmentInput] {
        var inputs: [SegmentInput] = []
        // Rows that show under several ids are taken at one moment.
        var taken: [ObjectIdentifier: [any SegmentView]] = [:]
        for lease in leases {
            try run.poll()
            if let rows = lease.rows {
                let views = taken[ObjectIdentifier(rows)] ?? rows.views()
                taken[ObjectIdentifier(rows)] = views
                inputs += try Self.inputs(of: lease, views)
                continue
            }
            guard let view = try segments.view(of: lease.segment) else { continue }
            inputs.append(SegmentInput(view: view, id: lease.segment.id.text, intervals: lease.intervals))
        }
        return inputs
    }

    /// One input for each view that holds rows; for a segment without any the first one, as it is there.
    private static func inputs(of lease: Lease, _ views: [any SegmentView]) throws(LaminaError) -> [SegmentInput] {
        let filled = views.filter { $0.rowCount > 0 }
        var bounds: (min: Int64, max: Int64)?
        for view in filled {
            guard let times = try view.timeBounds else { continue }
            bounds = bounds.map { (min($0.min, times.min), max($0.max, times.max)) } ?? times
        }
        return (filled.isEmpty ? Array(views.prefix(1)) : filled).map { view in
            var input = SegmentInput(view: view, id: lease.segment.id.text, intervals: lease.intervals)
            input.isRealtime = true
            input.wholeBounds = bounds
            return input
        }
    }

    /// The inputs, big ones cut into ranges of rows when there are fewer of them than threads.
    private func pieces(of query: Query, _ inputs: [SegmentInput]) -> [SegmentInput] {
        var pieces: [SegmentInput] = []
        for input in inputs {
            let isDivisible = Self.isDivisible(query) && input.steps.isDivisible
            let parts = inputs.count < pool.threads && isDivisible ? pool.threads : 1
            pieces += Self.split(input, into: min(parts, input.view.rowCount / Self.rowsWorthAThread))
        }
        return pieces
    }

    private static let rowsWorthAThread = 100_000

    private static func isDivisible(_ query: Query) -> Bool {
        switch query.kind {
        case .timeseries, .groupBy: true
        // A cut for each segment must see all of its rows.
        case .topN: query.context["minTopNThreshold"] == nil
        default: false
        }
    }

    /// Row ranges that begin at whole blocks of every column kind.
    private static func split(_ input: SegmentInput, into parts: Int) -> [SegmentInput] {
        guard parts > 1 else { return [input] }
        let block = 65_536
        let blocks = (input.view.rowCount + block - 1) / block
        var pieces: [SegmentInput] = []
        for part in 0..<parts {
            let low = blocks * part / parts * block
            let high = min(blocks * (part + 1) / parts * block, input.view.rowCount)
            guard low < high else { continue }
            var piece = input
            piece.rows = low..<high
            pieces.append(piece)
        }
        return pieces
    }

    /// Runs the pieces on the pool's threads; the first error stops all.
    private func runOnPool(
        _ pieces: [SegmentInput],
        _ bound: any QueryOperator,
        _ run: QueryRun,
        priority: Int,
        _ policy: CachePolicy?
    ) throws(LaminaError) -> any SegmentPartial {
        let cache = cache
        let collector = PartialCollector(bound, count: pieces.count, run)
        let failure = Shared<LaminaError?>(nil)
        pool.run(count: pieces.count, priority: priority) { index in
            if failure.state.withLock({ $0 != nil }) { return }
            do throws(LaminaError) {
                try run.poll()
                let piece = pieces[index]
                guard !piece.isRealtime, let policy, let query = policy.key else {
                    try collector.add(try bound.runErased(piece, run), at: index)
                    return
                }
                let key = SegmentCache.Key(
                    query: query,
                    segment: piece.id,
                    intervals: piece.intervals,
                    rows: piece.rows
                )
                if policy.reads, let known = cache.partial(key) {
                    try collector.add(known, at: index)
                    return
                }
                let partial = try bound.runErased(piece, run)
                if policy.writes { cache.store(partial, key) }
                try collector.add(partial, at: index)
            } catch {
                failure.state.withLock { if $0 == nil { $0 = error } }
            }
        }
        if let error = failure.state.withLock({ $0 }) { throw error }
        return try collector.merged()
    }

    /// A lock that closures may share.
    private final class Shared<State: Sendable>: Sendable {
        let state: Mutex<State>

        init(_ state: State) { self.state = Mutex(state) }
    }
}
