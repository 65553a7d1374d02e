import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaSegment

/// Where the rows of a query come from, before any segment is opened: what a tree of datasources comes down to.
///
/// Joins, unnestings and filters are steps over the rows of one base; all that is not the base (right sides of joins, inner
/// queries) has been computed.
struct SourceShape: Sendable {
    enum Base: Sendable {
        case tables([String])
        case rows(RowTable, name: String)
    }

    var base: Base
    var steps = RowSteps()
}

/// What a query reads, ready to run.
struct ResolvedSource: Sendable {
    /// The query with the filter that is left for it.
    var query: Query
    /// By time, then partition; of a union table by table.
    var inputs: [SegmentInput]
    /// Nothing but segments of tables: their answers may be kept.
    var isPlain: Bool
}

/// What the resolving of one query's sources has in common: its run, and how much inner queries may give.
struct SourceContext {
    let run: QueryRun
    let priority: Int
    var limits: SubqueryLimits
}

extension Broker {
    /// The segments, or other rows, that a query reads, each with what happens to its rows on the way.
    ///
    /// Inner queries are run here, on the calling thread and the pool.
    func resolve(_ query: Query, _ context: inout SourceContext) throws(LaminaError) -> ResolvedSource {
        var shape = try shape(of: query.dataSource, in: query, &context)
        let bound = shape.steps.bind(
            query,
            pushesDown: try query.context.bool("enableJoinFilterPushDown", default: true)
        )
        switch shape.base {
        case .tables(let names):
            var base = bound
            if !shape.steps.isEmpty { base.filter = shape.steps.baseFilter }
            var inputs: [SegmentInput] = []
            for name in names {
                let leases = try leases(for: base, table: name, isPlain: shape.steps.isEmpty)
                let opened = try open(leases, context.run).map { input in
                    var input = input
                    input.steps = shape.steps
                    return input
                }
                if shape.steps.isDivisible {
                    inputs += opened
                    continue
                }
                // Which right rows nothing matches is known when all parts of a segment have been seen. A segment that waits for its
                // first row is none yet, and lists nothing.
                for parts in Self.bySegment(opened) where !parts.allSatisfy({ $0.isRealtime && $0.view.rowCount == 0 })
                {
                    inputs += SegmentParts.joined(parts)
                }
            }
            let isPlain: Bool
            // What a `filter` datasource leaves out is no part of the query's own text, by which answers are kept.
            switch query.dataSource {
            case .table, .union: isPlain = true
            default: isPlain = false
            }
            return ResolvedSource(query: bound, inputs: inputs, isPlain: isPlain)
        case .rows(let table, let name):
            let interval = Interval.eternity
            let id = SegmentID(dataSource: name, interval: interval, version: "dummy_version", partition: 0)
            let intervals = Interval.condensed(query.intervals)
            var input = SegmentInput(view: table, id: id.text, intervals: intervals)
            input.steps = shape.steps
            input.extent = .unknown
            return ResolvedSource(query: bound, inputs: [input], isPlain: false)
        }
    }

    /// - Parameter query: the query that reads the source; its context rules inner ones.
    private func shape(
        of source: DataSource,
        in query: Query,
        _ context: inout SourceContext
    ) throws(LaminaError) -> SourceShape {
        switch source {
        case .table(let name): return SourceShape(base: .tables([name]))
        case .union(let names): return SourceShape(base: .tables(names))
        case .inline(let source): return SourceShape(base: .rows(try RowTable(source), name: "inline"))
        case .lookup(let lookup): return SourceShape(base: .rows(try RowTable(lookup.table), name: lookup.name))
        case .filter(let base, let filter):
            var shape = try shape(of: base, in: query, &context)
            shape.steps.add(filter)
            return shape
        case .query(let inner):
            return SourceShape(base: .rows(try answered(inner, in: query, &context), name: "inline"))
        case .join(let join):
            var shape = try shape(of: join.left, in: query, &context)
            if let filter = join.leftFilter { shape.steps.add(filter) }
            shape.steps.add(try joinStep(join, in: query, &context))
            return shape
        case .unnest(let unnest):
            var shape = try shape(of: unnest.base, in: query, &context)
            shape.steps.add(UnnestStep(unnest.virtualColumn))
            if let filter = unnest.filter { shape.steps.add(filter) }
            return shape
        }
    }
}
