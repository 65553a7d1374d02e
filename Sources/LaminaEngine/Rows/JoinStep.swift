package import LaminaBase
package import LaminaQuery
import LaminaSegment

/// Left rows with the right rows that match them, in the order of the left rows, then of the right ones.
///
/// Right rows without a match come at the end of each segment, as in Druid, whose joins are made segment by segment; of a growing one
/// at the end of its last part. Their left columns are null, and the query's intervals do not concern them unless rows go into
/// buckets of time.
///
/// - Source: `HashJoinEngine`, `HashJoinSegment`, `JoinableFactoryWrapper`.
package struct JoinStep: RowStep {
    private let table: JoinTable
    private let prefix: String
    private let type: JoinType
    private let rewritesToFilter: Bool

    /// - Parameter rewritesToFilter: `enableRewriteJoinToFilter` of the query's context.
    package init(_ table: JoinTable, prefix: String, type: JoinType, rewritesToFilter: Bool) {
        self.table = table
        self.prefix = prefix
        self.type = type
        self.rewritesToFilter = rewritesToFilter
    }

    package func makes(_ column: String) -> Bool { isPrefixed(column, prefix) }
    package var isDivisible: Bool { !type.keepsRight }

    package func apply(
        _ parts: [SegmentInput],
        filter: Filter?,
        _ surroundings: RowSteps.Surroundings,
        _ run: QueryRun
    ) throws(LaminaError) -> [SegmentInput] {
        var matched = type.keepsRight ? Array(repeating: false, count: table.rowCount) : []
        var joined: [SegmentInput] = []
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            joined.append(
                try join(part, filter, surroundings, &matched, listsUnmatched: type.keepsRight && isLast, run)
            )
        }
        return joined
    }

    /// - Parameter matched: right rows that a left row met; only when the join keeps right rows.
    private func join(
        _ input: SegmentInput,
        _ filter: Filter?,
        _ surroundings: RowSteps.Surroundings,
        _ matched: inout [Bool],
        listsUnmatched: Bool,
        _ run: QueryRun
    ) throws(LaminaError) -> SegmentInput {
        let scan = SegmentScan(input.view, run, virtualColumns: surroundings.virtualColumns)
        let walk = try RowWalk(scan, input, filter: filter)
        let extent = try input.extentAfter(walk, isCut: !(type.keepsRight && surroundings.isBucketed))
        var matches = Matches(
            left: try RowList(run, for: "joined rows"),
            right: try RowList(run, for: "joined rows"),
            matched: matched
        )
        matched = []
        if table.condition.isAlways || table.condition.isNever {
            try crossed(walk, &matches)
        } else {
            let probe = try JoinProbe(
                table,
                scan,
                isInner: type == .inner,
                rewritesToFilter: rewritesToFilter,
                readsRight: surroundings.mayRead(prefix)
            )
            try probed(walk, probe, &matches)
        }
        matched = matches.matched
        if listsUnmatched {
            for row in 0..<table.rowCount where !matched[row] {
                try matches.left.appendGap()
                try matches.right.append(UInt32(row))
            }
        }
        var output = input
        output.view = GatheredView(
            input.view,
            matches.left.picked,
            .right(table.view, matches.right.picked, prefix: prefix)
        )
        output.rows = nil
        output.extent = extent
        return output
    }

    /// Numbers of left and right rows that belong together.
    private struct Matches {
        let left: RowList
        let right: RowList
        /// Right rows that a left row met; only when the join keeps right rows.
        var matched: [Bool]
    }

    private func probed(_ walk: RowWalk, _ probe: JoinProbe, _ matches: inout Matches) throws(LaminaError) {
        let (left, right) = (matches.left, matches.right)
        let keepsRight = type.keepsRight
        var matched = matches.matched
        matches.matched = []
        try walk.forEachBatch { (batch, slots) throws(LaminaError) in
            try probe.load(batch)
            for index in 0..<slots.count {
                let slot = slots.slots.map { Int($0[index]) } ?? index
                let row = UInt32(batch.row(slot))
                guard let list = try probe.list(slot) else {
                    if type.keepsLeft {
                        try left.append(row)
                        try right.appendGap()
                    }
                    continue
                }
                try table.withRows(list) { (rows) throws(LaminaError) in
                    try left.append(row, times: rows.count)
                    try right.append(rows)
                    if keepsRight {
                        for row in rows { matched[Int(row)] = true }
                    }
                }
            }
            return true
        }
        matches.matched = matched
    }

    /// All pairs of rows, or none.
    private func crossed(_ walk: RowWalk, _ matches: inout Matches) throws(LaminaError) {
        let (left, right) = (matches.left, matches.right)
        let count = table.condition.isAlways ? table.rowCount : 0
        var any = false
        try walk.forEachBatch { (batch, slots) throws(LaminaError) in
            any = true
            for index in 0..<slots.count {
                let row = UInt32(batch.row(slots.slots.map { Int($0[index]) } ?? index))
                if count == 0 {
                    if type.keepsLeft {
                        try left.append(row)
                        try right.appendGap()
                    }
                    continue
                }
                try left.append(row, times: count)
                for other in 0..<count { try right.append(UInt32(other)) }
            }
            return true
        }
        if any, count > 0, type.keepsRight { matches.matched = Array(repeating: true, count: count) }
    }
}
