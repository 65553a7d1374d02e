import LaminaBase

/// The start of a stream: what its folder holds is reopened, what does not belong there is removed.
struct StreamRecovery {
    let directory: String
    let name: String
    let host: any StreamHost
    let schema: SegmentSchema
    let now: Int64

    static let fileName = "commit.json"

    func run() throws(LaminaError) -> StreamState {
        try makeFolders(directory)
        let path = "\(directory)/\(Self.fileName)"
        var commit = StreamCommit()
        commit.taskStarted = now
        if let bytes = try readFile(path) { commit = try StreamCommit(reading: bytes, path: path) }
        let committed = try host.committed()
        let stored = commit
        dropPublished(&commit, committed)
        dropApart(&commit, committed)
        if commit.sequences.isEmpty {
            commit.position = committed ?? [:]
            commit.taskStarted = now
        }
        var state = StreamState(commit, now: now)
        state.sequences = []
        for sequence in commit.sequences { state.sequences.append(try reopen(sequence)) }
        if state.sequences.last.map({ $0.end != nil }) ?? true { state.openSequence(now: now) }
        try forget(stored, &state)
        return state
    }

    /// Drops what was published before the file could say so.
    private func dropPublished(_ commit: inout StreamCommit, _ committed: StreamPosition?) {
        let last = commit.sequences.lastIndex { StreamCommit.standing($0, committed: committed) == .published }
        guard let last else { return }
        for sequence in commit.sequences[...last] { commit.published.add(sequence.counts) }
        commit.sequences.removeFirst(last + 1)
    }

    /// Drops what does not follow on what is committed: it is read again from there.
    private func dropApart(_ commit: inout StreamCommit, _ committed: StreamPosition?) {
        guard let first = commit.sequences.first, StreamCommit.standing(first, committed: committed) == .apart else {
            return
        }
        host.log("\(name): the committed position was moved; rows that were not published are read again")
        commit.sequences = []
    }

    private func reopen(_ stored: StreamCommit.Sequence) throws(LaminaError) -> StreamSequence {
        var sequence = StreamSequence(number: stored.number, start: stored.start, created: stored.created)
        sequence.end = stored.end
        sequence.counts = stored.counts
        sequence.isDurable = stored.end != nil
        for sink in stored.sinks {
            let rows = try RealtimeSegment(
                schema: schema,
                segment: sink.segment,
                folder: "\(directory)/\(sink.folder)",
                pieces: sink.pieces
            )
            if try host.reopen(sink.segment, rows: rows) {
                sequence.sinks.append(StreamSink(rows: rows, folder: sink.folder, isClosed: sink.isClosed))
            }
        }
        return sequence
    }

    /// Withdraws what was dropped, notes what is left, and removes whatever that does not list.
    private func forget(_ stored: StreamCommit, _ state: inout StreamState) throws(LaminaError) {
        let left = Set(state.sequences.flatMap { $0.sinks.map(\.folder) })
        var commit = state.snapshot
        for (place, sequence) in state.sequences.enumerated() {
            for (number, sink) in sequence.sinks.enumerated() {
                commit.sequences[place].sinks[number].pieces = sink.rows.pieces
            }
        }
        if stored.sequences.contains(where: { $0.sinks.contains { !left.contains($0.folder) } })
            || stored.sequences.count != commit.sequences.count
        {
            try writeFile("\(directory)/\(Self.fileName)", commit.bytes)
        }
        state.committed = commit
        var kept: [String: Set<String>] = [:]
        for sink in commit.sequences.flatMap(\.sinks) { kept[sink.folder] = Set(sink.pieces) }
        for entry in try folderEntries(directory) where entry != Self.fileName {
            // Only folders go: files are the host's, which lists there what it moves.
            guard let pieces = kept[entry] else {
                removeFolder("\(directory)/\(entry)")
                continue
            }
            for piece in try folderEntries("\(directory)/\(entry)") where !pieces.contains(piece) {
                removeFolder("\(directory)/\(entry)/\(piece)")
            }
        }
    }
}
