package import LaminaBase

/// As many threads as cores, which do all CPU work of all queries, piece by piece.
///
/// A job is a number of pieces; idle threads take the next piece of the job with the highest priority, jobs of equal priority in
/// turn, so that a small query does not wait behind a big one.
package final class WorkerPool: Sendable {
    private struct Job: Sendable {
        var id: Int
        var priority: Int
        var next = 0
        var unfinished: Int
        var count: Int
        var body: @Sendable (Int) -> Void
    }

    private struct State: Sendable {
        var jobs: [Job] = []
        var lastID = 0
        var lastServed = 0
        var stopping = false
    }

    private let state = Monitor(State())
    package let threads: Int

    package init(threads: Int) throws(LaminaError) {
        self.threads = max(1, threads)
        for number in 0..<self.threads {
            try WorkerThread(name: "query-\(number)") { [state] in Self.work(state) }.detach()
        }
    }

    deinit { state.update { $0.stopping = true } }

    /// Runs `body` for 0 to `count - 1` on the pool and returns when all pieces are done. The caller only waits.
    package func run(count: Int, priority: Int = 0, _ body: @escaping @Sendable (Int) -> Void) {
        guard count > 0 else { return }
        let id = state.update { state in
            state.lastID += 1
            state.jobs.append(
                Job(id: state.lastID, priority: priority, unfinished: count, count: count, body: body)
            )
            return state.lastID
        }
        _ = state.wait { state in state.jobs.contains { $0.id == id } ? nil : true }
    }

    private static func work(_ state: Monitor<State>) {
        while true {
            let piece: (job: Int, index: Int, body: @Sendable (Int) -> Void)?? = state.wait { state in
                if state.stopping { return .some(nil) }
                guard let place = choose(state) else { return nil }
                let job = state.jobs[place]
                state.jobs[place].next += 1
                state.lastServed = job.id
                return .some((job.id, job.next, job.body))
            }
            guard case .some(.some(let piece)) = piece else { return }
            piece.body(piece.index)
            state.update { state in
                guard let place = state.jobs.firstIndex(where: { $0.id == piece.job }) else { return }
                state.jobs[place].unfinished -= 1
                if state.jobs[place].unfinished == 0 { state.jobs.remove(at: place) }
            }
        }
    }

    /// The job to serve: highest priority, then the first after the one served last.
    private static func choose(_ state: State) -> Int? {
        let open = state.jobs.indices.filter { state.jobs[$0].next < state.jobs[$0].count }
        guard let top = open.map({ state.jobs[$0].priority }).max() else { return nil }
        let equal = open.filter { state.jobs[$0].priority == top }
        return equal.first { state.jobs[$0].id > state.lastServed } ?? equal.first
    }
}
