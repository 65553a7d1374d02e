import LaminaBase
import LaminaQuery

/// Finished groupBy rows some thousand at a time, for results that are not held at once: having, order, limit and
/// post-aggregations over a stream of groups.
///
/// What is ordered goes through a `RowSorter`, which keeps no more than the limit asks for, and spills.
final class GroupByStream {
    private let bound: GroupByOperator
    private let merged: GroupByOperator.Partial
    private let run: QueryRun
    private let order: GroupOrder
    /// Subtotals that were not begun; one nil for a query without any.
    private var parts: ArraySlice<[String]?>
    private var source: (any GroupStream)?
    private var isPrepared = false
    private var sorted: SortedGroups?
    private var skip: Int
    private var left: Int

    init(_ bound: GroupByOperator, _ merged: GroupByOperator.Partial, _ run: QueryRun) {
        self.bound = bound
        self.merged = merged
        self.run = run
        order = bound.order
        parts = bound.groupBy.subtotals.map { $0.map(Optional.some)[...] } ?? [nil]
        skip = max(0, bound.groupBy.limitSpec?.offset ?? 0)
        left = bound.groupBy.limitSpec?.limit ?? .max
    }

    /// The next rows, not none; nil at the end.
    func next() throws(LaminaError) -> GroupByRows? {
        if !isPrepared {
            isPrepared = true
            if order.sortsRows { sorted = try sort() }
        }
        while left > 0 {
            guard let groups = if let sorted { try sorted.next() } else { try passing() } else { return nil }
            let low = min(skip, groups.groupCount)
            let high = low + min(left, groups.groupCount - low)
            skip -= low
            left -= high - low
            if low < high { return try bound.finished(groups.picking(Array(UInt32(low)..<UInt32(high))), run) }
        }
        return nil
    }

    /// The next groups that `having` lets through.
    private func passing() throws(LaminaError) -> GroupPartial? {
        while let groups = try nextGroups() {
            guard let having = bound.groupBy.having else { return groups }
            let kept = try HavingTest(having, try bound.finished(groups, run), run).passing()
            if !kept.isEmpty { return groups.picking(kept) }
        }
        return nil
    }

    /// The next groups of the part at hand or of the one after it.
    private func nextGroups() throws(LaminaError) -> GroupPartial? {
        while true {
            if let groups = try source?.next() {
                if groups.groupCount == 0 { continue }
                return groups
            }
            guard let part = parts.popFirst() else { return nil }
            source = if let part { try subtotal(part) } else { try base() }
        }
    }

    private func base() throws(LaminaError) -> any GroupStream {
        if let spill = try bound.spill(run), !merged.runs.isEmpty { return try MergedRuns(spill, merged.runs) }
        let groups = try bound.atLeastOneGroup(merged.groups)
        return SlicedGroups(groups, order: sortedByKeys(groups, order.keyOrder))
    }

    /// The groups by fewer dimensions.
    private func subtotal(_ list: [String]) throws(LaminaError) -> any GroupStream {
        guard let spill = try bound.spill(run), !merged.runs.isEmpty else {
            let groups = try bound.atLeastOneGroup(try bound.subtotal(merged.groups, list, run))
            return SlicedGroups(groups, order: sortedByKeys(groups, order.keyOrder))
        }
        // Fewer dimensions, fewer groups: reduce piece by piece, and on disk if they are still too many.
        let source = try base()
        var waiting: [GroupByOperator.Partial] = []
        var bytes = 0
        while let groups = try source.next() {
            waiting.append(GroupByOperator.Partial(groups: try bound.subtotal(groups, list, run)))
            bytes += waiting[waiting.count - 1].byteCount
            if bytes > run.pieceBytesMax {
                waiting = [try bound.reduce(waiting, run)]
                bytes = waiting[0].byteCount
            }
        }
        let total = try bound.merge(waiting, run)
        if !total.runs.isEmpty { return LabelledGroups(bound, list, try MergedRuns(spill, total.runs)) }
        let groups = bound.labelled(total.groups, list)
        return SlicedGroups(groups, order: sortedByKeys(groups, order.keyOrder))
    }

    /// All rows in the order of the limitSpec.
    private func sort() throws(LaminaError) -> SortedGroups {
        let comparisons = order.comparisons()
        let sorter = RowSorter(comparisons.map(\.compare), limit: order.wanted, run)
        let codec = try GroupRowCodec(bound, run)
        var before = order.rowsBeforeOrder ?? .max
        while before > 0, let groups = try passing() {
            let rows = try bound.finished(groups, run)
            for row in 0..<min(before, groups.groupCount) {
                try sorter.add(comparisons.map { rows.value(row, $0.place) }) { () throws(LaminaError) in
                    codec.bytes(groups, row)
                }
            }
            before -= min(before, groups.groupCount)
        }
        return SortedGroups(try sorter.finish(), codec, ties: order.pushesLimit ? order.tieComparisons() : nil)
    }
}

/// Groups of a subtotal, named as such.
private final class LabelledGroups: GroupStream {
    private let bound: GroupByOperator
    private let list: [String]
    private let source: MergedRuns

    init(_ bound: GroupByOperator, _ list: [String], _ source: MergedRuns) {
        self.bound = bound
        self.list = list
        self.source = source
    }

    func next() throws(LaminaError) -> GroupPartial? { try source.next().map { bound.labelled($0, list) } }
}

/// Rows of a stream, written one by one.
final class GroupByStreamElements: ResultElements {
    private let stream: GroupByStream
    private let rows: GroupByRowWriter
    private var held: GroupByRows?
    private var row = 0

    init(_ stream: GroupByStream, _ rows: GroupByRowWriter) {
        self.stream = stream
        self.rows = rows
    }

    func writeNext(into writer: inout JSONWriter) throws(LaminaError) -> Bool {
        while true {
            if let held, row < held.table.rowCount {
                rows.write(held, row, into: &writer)
                row += 1
                return true
            }
            held = try stream.next()
            row = 0
            if held == nil { return false }
        }
    }
}
