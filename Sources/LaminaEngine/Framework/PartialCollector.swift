package import LaminaBase
import Synchronization

/// Takes the partials of one query from the threads that make them, and reduces them when those that wait hold too much.
package final class PartialCollector: Sendable {
    private struct State: Sendable {
        /// By place in the order of the segments.
        var waiting: [(any SegmentPartial)?]
        var bytes = 0
        /// Reducing again pays only beyond this.
        var bytesMax: Int
    }

    private let bound: any QueryOperator
    private let run: QueryRun
    private let state: Mutex<State>

    /// - Parameter count: how many partials will come.
    package init(_ bound: any QueryOperator, count: Int, _ run: QueryRun) {
        self.bound = bound
        self.run = run
        state = Mutex(State(waiting: Array(repeating: nil, count: count), bytesMax: run.retainedBytesMax))
    }

    deinit { run.memory.release(state.withLock { $0.bytes }) }

    /// Takes the partial of a place.
    ///
    /// - Errors: `resourceLimitExceeded` when partials that cannot be reduced hold more than the query's budget.
    package func add(_ partial: any SegmentPartial, at place: Int) throws(LaminaError) {
        run.memory.take(partial.byteCount)
        let full = state.withLock { state -> [(any SegmentPartial)?]? in
            state.waiting[place] = partial
            state.bytes += partial.byteCount
            guard state.bytes > state.bytesMax else { return nil }
            run.memory.release(state.bytes)
            state.bytes = 0
            let taken = state.waiting
            for index in state.waiting.indices { state.waiting[index] = nil }
            return taken
        }
        guard let full, let first = full.firstIndex(where: { $0 != nil }) else { return }
        let reduced = try bound.reduceErased(full.compactMap { $0 }, run)
        try run.memory.reserve(reduced.byteCount, for: "results of segments")
        state.withLock { state in
            state.waiting[first] = reduced
            state.bytes += reduced.byteCount
            state.bytesMax = max(run.retainedBytesMax, reduced.byteCount * 2)
        }
    }

    /// All partials merged; call it once, after the last of them was taken.
    package func merged() throws(LaminaError) -> any SegmentPartial {
        let partials = state.withLock { $0.waiting.compactMap { $0 } }
        return try bound.mergeErased(partials, run)
    }
}
