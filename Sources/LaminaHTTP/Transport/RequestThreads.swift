import LaminaBase

/// Threads that work on requests and may block (on a query's result, a slow client, the database). They start as they are needed
/// and end when idle; CPU work happens on the broker's own pool.
package final class RequestThreads: Sendable {
    private struct State: Sendable {
        var waiting: [@Sendable () -> Void] = []
        var idle = 0
        var running = 0
        var stopped = false
    }

    private let state = Monitor(State())
    private let threadsMax: Int

    package init(threadsMax: Int) { self.threadsMax = threadsMax }

    /// Runs `work` on a thread of its own as soon as one is free; false after `stop`.
    package func run(_ work: @escaping @Sendable () -> Void) -> Bool {
        let start = state.update { state -> Bool? in
            if state.stopped { return nil }
            state.waiting.append(work)
            if state.idle >= state.waiting.count || state.running >= threadsMax { return false }
            state.running += 1
            return true
        }
        guard let start else { return false }
        guard start else { return true }
        do {
            try WorkerThread(name: "request") { [self] in serve() }.detach()
        } catch {
            // Others, if there are any, will come round to the work.
            let alone = state.update { state in
                state.running -= 1
                if state.running == 0 { state.waiting.removeLast() }
                return state.running == 0
            }
            if alone { return false }
        }
        return true
    }

    /// Refuses new work and waits for what runs; false when it did not end in time.
    package func stop(milliseconds: Int64) -> Bool {
        state.update { $0.stopped = true }
        return state.wait(milliseconds: milliseconds) { $0.running == 0 ? true : nil } ?? false
    }

    private func serve() {
        while let work = next() { work() }
    }

    /// The next piece of work; nil when there was none for a while, or never will be: the thread ends.
    private func next() -> (@Sendable () -> Void)? {
        state.update { $0.idle += 1 }
        let work = state.wait(milliseconds: 10_000) { state -> Work? in
            if !state.waiting.isEmpty { return Work(run: state.waiting.removeFirst()) }
            return state.stopped ? Work(run: nil) : nil
        }
        return state.update { state -> (@Sendable () -> Void)? in
            state.idle -= 1
            if let run = work?.run { return run }
            // Work may have arrived since.
            if !state.waiting.isEmpty { return state.waiting.removeFirst() }
            state.running -= 1
            return nil
        }
    }

    private struct Work: Sendable {
        var run: (@Sendable () -> Void)?
    }
}
