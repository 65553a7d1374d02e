import LaminaBase
import LaminaSegment

/// Merging and publishing sequences that have ended.
extension StreamIndexer {
    private static let retriesMillis: [Int64] = [1000, 2000, 5000, 10_000, 30_000]

    /// The thread that publishes.
    func publishLoop() {
        var tries = 0
        // Of the sequence that comes next: a try that failed may have moved their files already.
        var built: [BuiltStreamSegment]?
        while let sequence = nextSequence() {
            do throws(LaminaError) {
                try publish(sequence, &built)
                tries = 0
                built = nil
            } catch {
                host.log("\(name)_\(sequence.number) could not be published: \(error.message)")
                if error.category == .conflict {
                    if isPublished(sequence) {
                        finish(sequence)
                        tries = 0
                        built = nil
                        continue
                    }
                    giveUp(error)
                    return
                }
                state.update { $0.publishError = error }
                let pause = Self.retriesMillis[min(tries, Self.retriesMillis.count - 1)]
                tries += 1
                _ = state.wait(milliseconds: pause) { state -> Bool? in state.isEnding ? true : nil }
            }
        }
    }

    /// Waits for the next sequence that may be published; nil at the end.
    private func nextSequence() -> StreamSequence? {
        let found: StreamSequence?? = state.wait { state in
            if state.isEnding || state.failure != nil { return .some(nil) }
            guard let first = state.sequences.first, first.isDurable else { return nil }
            return first
        }
        return found ?? nil
    }

    private func publish(_ sequence: StreamSequence, _ made: inout [BuiltStreamSegment]?) throws(LaminaError) {
        guard let end = sequence.end else { return }
        let built: [BuiltStreamSegment]
        if let made { built = made } else { built = try build(sequence) }
        made = built
        try probe?(.publishing)
        try host.publish(built, from: sequence.start, to: end, work: Self.workFolder(of: directory))
        finish(sequence)
    }

    /// Whether an earlier try got through, though it told of an error: what a sequence ends at is committed.
    private func isPublished(_ sequence: StreamSequence) -> Bool {
        guard let end = sequence.end, end != sequence.start else { return false }
        do throws(LaminaError) {
            guard let committed = try host.committed() else { return false }
            return end.allSatisfy { committed[$0.key] == $0.value }
        } catch {
            host.log("\(name)_\(sequence.number): what is committed is not known: \(error.message)")
            return false
        }
    }

    /// A sequence is published.
    private func finish(_ sequence: StreamSequence) {
        state.update { state in
            state.published.add(sequence.counts)
            state.sequences.removeFirst()
            state.publishError = nil
            state.leftovers += sequence.sinks.map(\.folder) + [builtFolder(sequence)]
        }
        do throws(LaminaError) {
            try write { $0 }
        } catch {
            // What is committed tells the next start as well.
            host.log("\(name)_\(sequence.number) was published, but not noted: \(error.message)")
        }
    }

    /// Of merged segments until they are published.
    private func builtFolder(_ sequence: StreamSequence) -> String { "built-\(sequence.number)" }

    private func build(_ sequence: StreamSequence) throws(LaminaError) -> [BuiltStreamSegment] {
        let folder = "\(directory)/\(builtFolder(sequence))"
        // Of a try that failed.
        removeFolder(folder)
        try makeFolders(folder)
        var built: [BuiltStreamSegment] = []
        for (number, sink) in sequence.sinks.enumerated() {
            try probe?(.merging)
            built.append(try build(sink.rows, to: "\(folder)/\(number)"))
        }
        return built
    }

    private func build(_ rows: RealtimeSegment, to folder: String) throws(LaminaError) -> BuiltStreamSegment {
        var segment = rows.segment
        guard rows.rowCount > 0, let written = try rows.merge(into: folder) else {
            return BuiltStreamSegment(segment: segment, folder: nil)
        }
        segment.dimensions = written.dimensions
        segment.metrics = spec.schema.metrics.map(\.name)
        if !written.projections.isEmpty { segment.projections = written.projections }
        segment.size = written.sizeBytes
        return BuiltStreamSegment(segment: segment, folder: folder)
    }

    /// Somebody else moved the committed position: nothing of what is here may be published, and all of it is read again from there.
    private func giveUp(_ error: LaminaError) {
        state.update { $0.failure = error }
        do throws(LaminaError) {
            try withdrawAll()
        } catch {
            host.log("\(name): rows could not be withdrawn: \(error.message)")
        }
    }

    /// Forgets all that is not published; counts of what was published stay.
    func withdrawAll() throws(LaminaError) {
        let (segments, folders) = state.read { state in
            (
                state.sequences.flatMap { $0.sinks.map(\.rows.segment) },
                state.sequences.flatMap { $0.sinks.map(\.folder) }
            )
        }
        // First on disk: rows that are withdrawn must not come back.
        try write(afterFailure: true) { commit in
            var commit = commit
            commit.sequences = []
            commit.position = [:]
            return commit
        }
        if !segments.isEmpty { try host.withdraw(segments) }
        for folder in folders { removeFolder("\(directory)/\(folder)") }
    }
}
