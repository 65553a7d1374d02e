import LaminaBase
import LaminaEngine
import LaminaQuery

extension Broker {
    /// The right side of a join, hashed.
    func joinStep(
        _ join: JoinSource,
        in query: Query,
        _ context: inout SourceContext
    ) throws(LaminaError) -> JoinStep {
        let right: RowTable
        switch join.right {
        case .inline(let source): right = try RowTable(source)
        case .lookup(let lookup):
            for equality in join.condition.equalities where equality.rightColumn != "k" {
                throw .invalidInput(
                    "Cannot join lookup with condition referring to non-key column: \(join.condition.text)"
                )
            }
            right = try RowTable(lookup.table)
        case .query(let inner): right = try answered(inner, in: query, isRight: true, &context)
        case .table, .union, .join, .unnest, .filter:
            throw .invalidInput(
                "The right side of a join must be an inline datasource, a lookup or a query: with tables, unions, joins, unnest "
                    + "and filter put a scan of them in a query datasource"
            )
        }
        return JoinStep(
            try JoinTable(right, join.condition, context.run),
            prefix: join.rightPrefix,
            type: join.type,
            rewritesToFilter: try query.context.bool("enableRewriteJoinToFilter", default: true)
        )
    }

    /// The rows an inner query gives.
    ///
    /// A groupBy over nothing but groupBys keeps sketches unfinished and rows at the time of their bucket, and its rows do not count
    /// against the limits of inner queries; every other answer is rows as a client would get them.
    ///
    /// - Source: `ClientQuerySegmentWalker.inlineIfNecessary`, `GroupByQueryQueryToolChest.canPerformSubquery`,
    ///   `GroupByRowProcessor`.
    func answered(
        _ inner: Query,
        in outer: Query,
        isRight: Bool = false,
        _ context: inout SourceContext
    ) throws(LaminaError) -> RowTable {
        let isStacked = !isRight && outer.isStackedGroupBy
        var query = inner
        if !isStacked, let left = context.limits.rowsLeft {
            // One row more than allowed is enough to know.
            query.rowsMax = Int(clamping: max(left, 0))
            if case .scan(var scan) = query.kind {
                scan.limit = min(
                    scan.limit ?? .max,
                    max(left, 0).addingReportingOverflow(1).overflow ? .max : max(left, 0) + 1
                )
                query.kind = .scan(scan)
            }
        }
        query.context.values["bySegment"] = nil
        query.isReadByGroupBy = isStacked
        if isStacked { query.context.values["finalize"] = false }
        let source = try resolve(query, &context)
        let merged = try partial(source.query, source.inputs, context.run, priority: context.priority)
        let table = try makeTable(merged, source.query, context.run)
        if !isStacked { try context.limits.count(rows: table.rowCount, bytes: table.byteCount) }
        return table
    }
}

extension Query {
    /// Whether the query reads another one directly, and both and all below are groupBys.
    fileprivate var isStackedGroupBy: Bool {
        guard case .query(let inner) = dataSource else { return false }
        return isGroupByAllTheWay && inner.isGroupByAllTheWay
    }

    private var isGroupByAllTheWay: Bool {
        guard case .groupBy = kind else { return false }
        if case .query(let inner) = dataSource { return inner.isGroupByAllTheWay }
        return true
    }
}
