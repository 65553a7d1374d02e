import LaminaBase
import LaminaEngine
import LaminaSegment
import Synchronization

/// The rows of a growing index in order of time, those of one time in order of arrival; kept up by readers when one needs it.
///
/// Late rows are merged into what is known: the part before the earliest of them is only copied.
final class TimeOrder: Sendable {
    private let state = Mutex(TimeOrderState())

    /// The first rows, whose times are given, in order.
    func rows(_ times: SharedValues<Int64>) -> SharedValues<UInt32> {
        state.withLock { state in
            if times.count < state.order.count {
                // An older snapshot than the last one: its rows are in the same order among each other.
                let own = GrowBuffer<UInt32>(capacity: times.count)
                for row in state.order.buffer where Int(row) < times.count { own.append(row) }
                return own.shared(times.count)
            }
            state.add(times)
            return state.order.shared(times.count)
        }
    }
}

private struct TimeOrderState: ~Copyable {
    let order = GrowBuffer<UInt32>()

    /// Takes in rows that came since.
    func add(_ times: SharedValues<Int64>) {
        let known = order.count
        guard known < times.count else { return }
        let time = times.pointer
        var fresh = Array(UInt32(known)..<UInt32(times.count))
        if !zip(fresh, fresh.dropFirst()).allSatisfy({ time[Int($0)] <= time[Int($1)] }) {
            fresh.sort { left, right in
                let (one, other) = (time[Int(left)], time[Int(right)])
                return one != other ? one < other : left < right
            }
        }
        guard let first = fresh.first else { return }
        // Behind all that are not later: of one time, those that came before stay before.
        var low = 0
        var high = known
        while low < high {
            let middle = (low + high) / 2
            if time[Int(order[middle])] <= time[Int(first)] { low = middle + 1 } else { high = middle }
        }
        if low < known { order.makeUnique() }
        let tail = Array(order.buffer[low...])
        _ = order.extend(fresh.count)
        var place = low
        var (old, new) = (0, 0)
        while old < tail.count || new < fresh.count {
            let takesOld =
                new == fresh.count || old < tail.count && time[Int(tail[old])] <= time[Int(fresh[new])]
            order[place] = takesOld ? tail[old] : fresh[new]
            if takesOld { old += 1 } else { new += 1 }
            place += 1
        }
    }
}

/// Rows of a realtime view that did not come in order of time, in that order.
final class TimeOrderedView: SegmentView {
    private let base: RealtimeView
    private let timeOrder: TimeOrder
    private let state = Mutex(State())

    private struct State: Sendable {
        var rows: PickedRows?
        var columns: [String: Column] = [:]
    }

    init(_ base: RealtimeView, _ timeOrder: TimeOrder) {
        self.base = base
        self.timeOrder = timeOrder
    }

    var rowCount: Int { base.rowCount }
    var dataInterval: Interval { base.dataInterval }
    var timeBounds: (min: Int64, max: Int64)? { base.timeBounds }
    var ordering: [OrderedColumn] { [OrderedColumn("__time")] }
    var dimensions: [String] { base.dimensions }
    var metrics: [String] { base.metrics }
    var metadata: JSON? { base.metadata }
    var sizeBytes: Int64 { 0 }

    func column(_ name: String) throws(LaminaError) -> Column? {
        if let known = state.withLock({ $0.columns[name] }) { return known }
        guard let column = try base.column(name) else { return nil }
        let order: PickedRows = state.withLock { state in
            if let rows = state.rows { return rows }
            let order = timeOrder.rows(base.times)
            let rows = PickedRows(order.pointer, count: order.count, owner: order)
            state.rows = rows
            return rows
        }
        let ordered = gatheredColumn(column, order)
        return state.withLock { state in
            if let first = state.columns[name] { return first }
            state.columns[name] = ordered
            return ordered
        }
    }
}
