import LaminaBase

/// Several sources one after the other, their batches numbered through: what `combining` needs when not all of them are text.
final class ChainedRowSource: RowSource {
    private struct State: Sendable {
        var source = 0
        /// Batches of the sources before this one.
        var before = 0
        /// Batches of this source handed out so far.
        var given = 0
        /// Threads inside this source.
        var inside = 0
        var isExhausted = false
    }

    private let sources: [any RowSource]
    private let state = Monitor(State())

    init(_ sources: [any RowSource]) { self.sources = sources }

    func nextBatch() throws(LaminaError) -> RowBatch? {
        while true {
            // A source that has ended is left when the last of its batches is out, for only then their number is known.
            let turn: (source: Int, before: Int)?? = state.wait { state in
                if state.isExhausted {
                    guard state.inside == 0 else { return nil }
                    state.source += 1
                    state.before += state.given
                    state.given = 0
                    state.isExhausted = false
                }
                guard state.source < self.sources.count else { return .some(nil) }
                state.inside += 1
                return (state.source, state.before)
            }
            guard let turn, let turn else { return nil }
            do throws(LaminaError) {
                let batch = try sources[turn.source].nextBatch()
                state.update { state in
                    state.inside -= 1
                    if batch == nil { state.isExhausted = true } else { state.given += 1 }
                }
                guard let batch else { continue }
                batch.shift(by: turn.before)
                return batch
            } catch {
                state.update { $0.inside -= 1 }
                throw error
            }
        }
    }
}
