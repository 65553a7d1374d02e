import LaminaBase
import LaminaSegment

/// Merging and publishing sequences that have ended.
extension StreamIndexer {
    private static let retriesMillis: [Int64] = [1000, 2000, 5000, 10_000, 30_000]

    /// The thread that publishes.
    func publishLoop() {
        var tries = 0
        while let sequence = nextSequence() {
            do throws(LaminaError) {
                try publish(sequence)
                tries = 0
            } catch {
                host.log("\(name)_\(sequence.number) could not be published: \(error.message)")
                if error.category == .conflict {
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

    private func publish(_ sequence: StreamSequence) throws(LaminaError) {
        guard let end = sequence.end else { return }
        let builtFolder = "\(directory)/\(StreamRecovery.builtName)"
        // Of a try that failed.
        removeFolder(builtFolder)
        var built: [BuiltStreamSegment] = []
        for (number, sink) in sequence.sinks.enumerated() {
            try probe?(.merging)
            built.append(try build(sink.rows, to: "\(builtFolder)/\(number)"))
        }
        let work = "\(directory)/\(StreamRecovery.workName)"
        try makeFolder(work)
        try probe?(.publishing)
        try host.publish(built, from: sequence.start, to: end, work: work)
        state.update { state in
            state.published.add(sequence.counts)
            state.sequences.removeFirst()
            state.publishError = nil
        }
        do throws(LaminaError) {
            try write { $0 }
            try probe?(.cleaning)
        } catch {
            // What is committed tells the next start as well; the files go then, or with the next commit.
            host.log("\(name)_\(sequence.number) was published, but not noted: \(error.message)")
            return
        }
        for sink in sequence.sinks { removeFolder("\(directory)/\(sink.folder)") }
        removeFolder(builtFolder)
    }

    private func build(_ rows: RealtimeSegment, to folder: String) throws(LaminaError) -> BuiltStreamSegment {
        var segment = rows.segment
        guard rows.rowCount > 0 else { return BuiltStreamSegment(segment: segment, folder: nil) }
        try makeFolder(folder.split(separator: "/").dropLast().reduce(into: "") { $0 += "/\($1)" })
        guard let written = try rows.merge(into: folder) else {
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
        try write { commit in
            var commit = commit
            commit.sequences = []
            commit.position = [:]
            return commit
        }
        if !segments.isEmpty { try host.withdraw(segments) }
        for folder in folders { removeFolder("\(directory)/\(folder)") }
    }
}
