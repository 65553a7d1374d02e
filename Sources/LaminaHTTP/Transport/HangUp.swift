import Synchronization

/// Tells whoever works on an answer that nobody waits for it any more.
package final class HangUp: Sendable {
    private struct State {
        var gone = false
        var handlers: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    package init() {}

    package var isGone: Bool { state.withLock { $0.gone } }

    /// Runs `body` once when the client is gone; at once if it already is.
    package func whenGone(_ body: @escaping @Sendable () -> Void) {
        let now = state.withLock { state in
            if !state.gone { state.handlers.append(body) }
            return state.gone
        }
        if now { body() }
    }

    package func signal() {
        let handlers = state.withLock { state in
            state.gone = true
            defer { state.handlers = [] }
            return state.handlers
        }
        for handler in handlers { handler() }
    }

    /// Forgets the handlers: the answer is complete.
    package func forget() { state.withLock { $0.handlers = [] } }
}
