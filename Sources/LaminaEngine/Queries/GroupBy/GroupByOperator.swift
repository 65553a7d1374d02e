package import LaminaBase
package import LaminaQuery
import LaminaSegment

/// Aggregations by any number of dimensions.
///
/// - Source: `GroupingEngine`, `DefaultLimitSpec`, `HavingSpec`.
package struct GroupByOperator: QueryOperator {
    package struct Partial: SegmentPartial {
        /// Groups in memory.
        var groups: GroupPartial
        /// Groups on disk, in the order they were written; keys may be in several runs and in memory too.
        var runs: [SpilledRun] = []

        package var byteCount: Int { groups.byteCount }
        package var isWhole: Bool { runs.isEmpty }
    }

    let query: Query
    let groupBy: GroupByQuery
    let projections: ProjectionPolicy
    let resultAsArray: Bool
    let sortByDimsFirst: Bool
    let allowsMultipleValues: Bool
    let appliesPushDown: Bool
    let forcesPushDown: Bool
    let layout: TimestampLayout
    let finalizes: Bool

    package init(_ query: Query, _ groupBy: GroupByQuery) throws(LaminaError) {
        self.query = query
        self.groupBy = groupBy
        resultAsArray = try query.context.bool("resultAsArray", default: false)
        sortByDimsFirst = try query.context.bool("sortByDimsFirst", default: false)
        allowsMultipleValues = try query.context.bool("groupByEnableMultiValueUnnesting", default: true)
        appliesPushDown = try query.context.bool("applyLimitPushDown", default: true)
        finalizes = try query.context.bool("finalize", default: true)
        forcesPushDown = try query.context.bool("forceLimitPushDown", default: false)
        projections = try ProjectionPolicy(query.context)
        layout = try TimestampLayout(query.context, groupBy.granularity)
        let names = groupBy.dimensions.map(\.outputName)
        try checkOutputs(dimensions: names, groupBy.aggregations, groupBy.postAggregations)
        try checkOrder(names)
        if forcesPushDown { try checkForcedPushDown() }
        for list in groupBy.subtotals ?? [] {
            for name in list where !names.contains(where: { sameText($0, name) }) {
                throw .invalidInput(
                    "Subtotal spec [\(list.joined(separator: ", "))] is either not a subset of dimensions"
                )
            }
        }
    }

    private func checkOrder(_ dimensions: [String]) throws(LaminaError) {
        guard let limitSpec = groupBy.limitSpec else { return }
        if let limit = limitSpec.limit, limit <= 0 { throw .invalidInput("limit[\(limit)] must be >0") }
        let names = dimensions + groupBy.aggregations.map(\.name) + groupBy.postAggregations.map(\.name)
        for column in limitSpec.columns where !names.contains(where: { sameText($0, column.name) }) {
            throw .invalidInput("Unknown column in order clause[\(column.name)]")
        }
    }

    /// Lamina limits after merging, which is exact; what Druid cannot push down is refused as there.
    ///
    /// Source: `GroupByQuery.validateAndGetForceLimitPushDown`.
    private func checkForcedPushDown() throws(LaminaError) {
        guard let spec = groupBy.limitSpec else {
            throw .invalidInput("forceLimitPushDown needs a limitSpec")
        }
        guard spec.limit != nil else { throw .invalidInput("forceLimitPushDown needs a limitSpec with a limit") }
        guard groupBy.having == nil else { throw .invalidInput("forceLimitPushDown cannot be used with having") }
        for column in spec.columns
        where groupBy.postAggregations.contains(where: { sameText($0.name, column.name) }) {
            throw .invalidInput("forceLimitPushDown cannot be used when ordering by post-aggregation '\(column.name)'")
        }
    }

    var task: GroupingTask {
        GroupingTask(
            granularity: groupBy.granularity,
            dimensions: groupBy.dimensions,
            aggregators: groupBy.aggregations,
            filter: query.filter,
            virtualColumns: query.virtualColumns,
            projections: projections
        )
    }

    var order: GroupOrder {
        GroupOrder(groupBy, sortByDimsFirst: sortByDimsFirst, appliesPushDown: appliesPushDown)
    }

    var firstDimension: Int { groupBy.granularity.isAll ? 0 : 1 }

    /// How groups go to disk; nil when they may not.
    func spill(_ run: QueryRun) throws(LaminaError) -> GroupSpill? {
        guard let space = run.spill else { return nil }
        return try GroupSpill(space, groupBy.aggregations, keyOrder: order.keyOrder, run)
    }

    package func run(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> Partial {
        if !allowsMultipleValues { try refuseMultipleValues(input) }
        guard let spill = try spill(run) else { return Partial(groups: try task.run(input, run)) }
        var runs: [SpilledRun] = []
        let groups = try task.run(input, run, bytesMax: run.pieceBytesMax) { (full: GroupPartial) throws(LaminaError) in
            runs.append(try spill.write(full))
        }
        return Partial(groups: groups, runs: runs)
    }

    /// Source: `GroupByQueryConfig.CTX_KEY_ENABLE_MULTI_VALUE_UNNESTING`.
    private func refuseMultipleValues(_ input: SegmentInput) throws(LaminaError) {
        for dimension in groupBy.dimensions {
            guard case .string(let column)? = try input.view.column(dimension.dimension), column.hasMultipleValues
            else {
                continue
            }
            throw LaminaError(
                .runtimeFailure,
                code: "legacyQueryException",
                "Encountered multi-value dimension [\(dimension.dimension)] that cannot be processed with "
                    + "'groupByEnableMultiValueUnnesting' set to false."
            )
        }
    }

    package func reduce(_ partials: [Partial], _ run: QueryRun) throws(LaminaError) -> Partial {
        var merged = try mergeInMemory(partials, run)
        guard let spill = try spill(run), merged.groups.byteCount > run.retainedBytesMax / 4 else { return merged }
        merged.runs.append(try spill.write(merged.groups))
        merged.groups = try nothing(after: merged.groups)
        return merged
    }

    package func merge(_ partials: [Partial], _ run: QueryRun) throws(LaminaError) -> Partial {
        var merged = try mergeInMemory(partials, run)
        guard let spill = try spill(run), !merged.runs.isEmpty else { return merged }
        if merged.groups.groupCount > 0 { merged.runs.append(try spill.write(merged.groups)) }
        merged.groups = try nothing(after: merged.groups)
        merged.runs = try spill.reduced(merged.runs)
        return merged
    }

    private func mergeInMemory(_ partials: [Partial], _ run: QueryRun) throws(LaminaError) -> Partial {
        let groups = try mergeGroups(partials.map(\.groups), keyCount: task.keyCount, groupBy.aggregations, run)
        return Partial(groups: groups, runs: partials.flatMap(\.runs))
    }

    private func nothing(after groups: GroupPartial) throws(LaminaError) -> GroupPartial {
        var empty = try GroupPartial.empty(keys: task.keyCount, groupBy.aggregations)
        empty.firstTime = groups.firstTime
        return empty
    }
}
