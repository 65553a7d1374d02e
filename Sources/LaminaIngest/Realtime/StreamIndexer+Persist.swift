import LaminaBase
import Synchronization

/// Making rows durable.
extension StreamIndexer {
    private static let retryMillis: Int64 = 1000

    /// What one try is about.
    private struct Boundary: Sendable {
        var request: Int
        var commit: StreamCommit
        /// By sequence, as in `commit`.
        var rows: [[RealtimeSegment]]
    }

    /// The thread that persists.
    func persistLoop() {
        while let boundary = nextBoundary() {
            do throws(LaminaError) {
                try persist(boundary)
            } catch {
                host.log("\(name): rows could not be persisted: \(error.message)")
                state.update { state in
                    state.persistError = error
                    state.persistFailed = boundary.request
                    state.persistTries += 1
                }
                _ = state.wait(milliseconds: Self.retryMillis) { state -> Bool? in state.isEnding ? true : nil }
            }
        }
    }

    /// Waits until something is to be persisted, and freezes all rows between two batches; nil at the end.
    private func nextBoundary() -> Boundary? {
        let found: Boundary?? = state.wait { state in
            if state.isEnding || state.failure != nil { return .some(nil) }
            guard state.persistWanted > state.persistDone else { return nil }
            var rows: [[RealtimeSegment]] = []
            for sequence in state.sequences {
                for sink in sequence.sinks { sink.rows.freeze() }
                rows.append(sequence.sinks.map(\.rows))
            }
            return Boundary(request: state.persistWanted, commit: state.snapshot, rows: rows)
        }
        return found ?? nil
    }

    private func persist(_ boundary: Boundary) throws(LaminaError) {
        var commit = boundary.commit
        for (sequence, rows) in boundary.rows.enumerated() {
            for (sink, segment) in rows.enumerated() {
                try probe?(.writingPieces)
                try segment.persistFrozen()
                // Only this thread makes pieces of what was frozen, and nothing was frozen since.
                commit.sequences[sequence].sinks[sink].pieces = segment.pieces
            }
        }
        try write { _ in commit }
        state.update { state in
            state.persistDone = max(state.persistDone, boundary.request)
            state.persistError = nil
            state.persistTries += 1
            for sequence in commit.sequences where sequence.end != nil {
                guard let place = state.sequences.firstIndex(where: { $0.number == sequence.number }) else { continue }
                state.sequences[place].isDurable = true
            }
        }
    }

    /// Writes `commit.json`, and removes what it does not list any more. Sequences that were published in the meantime are left out.
    ///
    /// - Parameter change: of what the file says now.
    func write(
        afterFailure: Bool = false,
        _ change: (StreamCommit) -> StreamCommit
    ) throws(LaminaError) {
        try commitFile.withLock { _ throws(LaminaError) in
            let (commit, leftovers) = try state.update { state throws(LaminaError) in
                if let failure = state.failure, !afterFailure { throw failure }
                var commit = change(state.committed)
                let first = state.sequences.first?.number ?? .max
                commit.sequences.removeAll { $0.number < first }
                commit.published = state.published
                defer { state.leftovers = [] }
                return (commit, state.leftovers)
            }
            do throws(LaminaError) {
                try probe?(.writingCommit)
                try writeFile("\(directory)/\(StreamRecovery.fileName)", commit.bytes)
            } catch {
                state.update { $0.leftovers += leftovers }
                throw error
            }
            state.update { $0.committed = commit }
            if leftovers.isEmpty { return }
            try probe?(.cleaning)
            for folder in leftovers { removeFolder("\(directory)/\(folder)") }
        }
    }

    func awaitPersist(_ ticket: Int) throws(LaminaError) {
        let outcome: LaminaError?? = state.wait { state in
            if state.persistDone >= ticket { return .some(nil) }
            if let failure = state.failure { return .some(failure) }
            if state.persistFailed >= ticket, let error = state.persistError { return .some(error) }
            guard state.isEnding else { return nil }
            return LaminaError(.serviceUnavailable, code: "closed", "The stream \(self.name) has ended")
        }
        if case .some(let error?) = outcome { throw error }
    }
}
