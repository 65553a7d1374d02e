import LaminaBase
import LaminaEngine
import LaminaQuery
import Synchronization

/// The queries that run: by id, to cancel them, and by lane, to keep some from taking all.
///
/// - Source: Druid's `QueryScheduler`, `ManualQueryLaningStrategy`.
final class QueryScheduler: Sendable {
    private struct State: Sendable {
        var runs: [String: [QueryRun]] = [:]
        var lanes: [String: Int] = [:]
    }

    /// How many queries of a lane may run at once; lanes without a limit may be named too.
    private let limits: [String: Int]
    private let state = Mutex(State())

    init(limits: [String: Int]) { self.limits = limits }

    /// A query's place among those that run, given up when nobody holds it: an answer that is still written holds it.
    final class Place: Sendable {
        private let leave: @Sendable () -> Void

        fileprivate init(_ leave: @escaping @Sendable () -> Void) { self.leave = leave }

        deinit { leave() }
    }

    /// - Errors: `capacityExceeded` when the query's lane is full.
    func enter(_ run: QueryRun, _ query: Query) throws(LaminaError) -> Place {
        let id = query.context.queryID ?? ""
        let lane = try query.context.string("lane")
        let limit = lane.flatMap { limits[$0] }
        let isFull = state.withLock { state -> Bool in
            if let lane, let limit {
                if state.lanes[lane, default: 0] >= limit { return true }
                state.lanes[lane, default: 0] += 1
            }
            state.runs[id, default: []].append(run)
            return false
        }
        if isFull, let lane, let limit {
            throw LaminaError(
                .capacityExceeded,
                code: "queryCapacityExceeded",
                "Too many concurrent queries for lane '\(lane)', query capacity of \(limit) exceeded. Try again later."
            )
        }
        return Place { [self] in
            state.withLock { state in
                state.runs[id]?.removeAll { $0 === run }
                if state.runs[id]?.isEmpty == true { state.runs[id] = nil }
                if let lane, limit != nil { state.lanes[lane, default: 1] -= 1 }
            }
        }
    }

    /// Cancels every running query of an id.
    /// - Returns: whether there was one.
    func cancel(_ id: String) -> Bool {
        let runs = state.withLock { $0.runs[id] ?? [] }
        for run in runs { run.cancel() }
        return !runs.isEmpty
    }
}
