package import LaminaBase
package import LaminaQuery
import LaminaSegment
import Synchronization

/// Takes in the records of a stream: rows are visible when `append` returns, leave memory for pieces on disk, and are merged and
/// published sequence by sequence together with the offsets they came from, exactly once.
///
/// One thread appends and ticks; `prepare`, `cut`, `handOff`, `persist` and everything that only looks may be called by any. Whoever
/// made it ends it by exactly one of `stop`, `discard` and `abandon`, which end its two threads.
///
/// What is durable is what `commit.json` in its folder says (`StreamCommit`): pieces are written from what every segment held at one
/// boundary between batches, then the file, with the position of that boundary. A start reopens exactly that and reads on from there,
/// so every step may be the last one: what came later is read again, and what was published meanwhile is recognised by the committed
/// position.
///
/// Source: Druid's `SeekableStreamIndexTaskRunner`, `StreamAppenderator`, `StreamAppenderatorDriver`.
package final class StreamIndexer: StreamWriter {
    let spec: StreamSpec
    /// Of its sequences: `index_kafka_<datasource>_<hash>`.
    package let name: String
    let directory: String
    let host: any StreamHost
    let clock: @Sendable () -> Int64
    let probe: (@Sendable (StreamStep) throws(LaminaError) -> Void)?
    let preparer: RowPreparer
    let parser: RecordParser
    let segmentSchema: SegmentSchema
    let state: Monitor<StreamState>
    /// Held while `commit.json` is composed and written.
    let commitFile = Mutex(())
    private let threads = Monitor<[WorkerThread]>([])

    /// - Parameters:
    ///   - name: what its sequences begin with; the same after a restart.
    ///   - directory: its own, made if it is not there; whatever does not belong there is removed.
    ///   - clock: wall clock, ms.
    ///   - probe: called before each step that changes what is on disk; what it throws keeps the step from being done. For tests.
    /// - Errors: files that cannot be read, and those of the host.
    package init(
        _ spec: StreamSpec,
        name: String,
        directory: String,
        host: any StreamHost,
        lookups: LookupResolver? = nil,
        clock: @escaping @Sendable () -> Int64,
        probe: (@Sendable (StreamStep) throws(LaminaError) -> Void)? = nil
    ) throws(LaminaError) {
        self.spec = spec
        self.name = name
        self.directory = directory
        self.host = host
        self.clock = clock
        self.probe = probe
        let plan = try RowPreparer(
            spec.schema,
            dimensions: spec.dimensions,
            chunks: ChunkFinder.Rule(fixed: nil, granularity: spec.segmentGranularity, existing: []),
            partitioner: .none,
            lookups: lookups
        )
        preparer = plan
        parser = RecordParser(spec.inputFormat, wanted: plan.wantedFields)
        let schema = SegmentSchema(spec.schema, dimensions: spec.dimensions.dimensions, metrics: plan.metrics)
        segmentSchema = schema
        let recovery = StreamRecovery(directory: directory, name: name, host: host, schema: schema, now: clock())
        state = Monitor(try recovery.run())
        do throws(LaminaError) {
            let persister = try WorkerThread(name: "persist") { [self] in persistLoop() }
            threads.update { $0.append(persister) }
            let publisher = try WorkerThread(name: "publish") { [self] in publishLoop() }
            threads.update { $0.append(publisher) }
        } catch {
            endThreads()
            throw error
        }
    }

    // MARK: looking

    /// Where to read on. A partition that is not in it was never read: `begin` says where.
    package var position: StreamPosition { state.read { $0.position } }

    /// The times taken now.
    package var bounds: RowBounds { spec.bounds(startedAt: state.read { $0.taskStarted }) }

    /// Of everything that was taken in and not discarded, also before a restart.
    package var counters: StreamCounters {
        let now = clock()
        return state.update { state in
            StreamCounters(totals: state.totals, movingAverages: state.meter.json(now: now))
        }
    }

    /// The last bad rows, newest first, as Druid's `parseErrors` lists them.
    package var parseErrors: [JSON] { state.read { $0.savedErrors.reversed() } }

    package var status: StreamStatus {
        state.read { state in
            StreamStatus(
                position: state.position,
                durable: state.committed.position,
                taskStarted: state.taskStarted,
                sequences: state.sequences.map {
                    StreamStatus.Sequence(
                        name: "\(name)_\($0.number)",
                        start: $0.start,
                        end: $0.end,
                        created: $0.created,
                        segments: $0.sinks.map(\.rows.segment),
                        rows: $0.rowCount
                    )
                },
                error: state.failure ?? state.persistError ?? state.publishError
            )
        }
    }

    // MARK: steering

    /// Says where to begin with partitions that `position` does not have; others are left as they are.
    package func begin(_ offsets: StreamPosition) {
        state.update { state in
            for (partition, offset) in offsets where state.position[partition] == nil {
                state.position[partition] = offset
                state.sequences[state.sequences.count - 1].start[partition] = offset
            }
        }
    }

    /// Does what time has come for: persisting, handing off.
    package func tick(now: Int64) {
        let limits = spec.limits
        state.update { state in
            guard state.failure == nil, !state.isEnding else { return }
            let open = state.open
            if now - state.taskStarted >= spec.taskDurationMillis {
                state.handOff(now: now, startsTask: true)
            } else if limits.handoffMillis < .max, now - open.created >= limits.handoffMillis {
                state.handOff(now: now, startsTask: false)
            } else if now - state.lastPersist >= limits.persistMillis {
                state.lastPersist = now
                if open.sinks.contains(where: { $0.rows.growing.rows > 0 }) { state.persistWanted += 1 }
            }
        }
    }

    /// Hands off what was taken in so far, and begins a new task; publishing goes on in the background.
    package func handOff() { handOff(now: clock()) }

    package func handOff(now: Int64) {
        state.update { state in
            guard state.failure == nil, !state.isEnding else { return }
            state.handOff(now: now, startsTask: true)
        }
    }

    /// Keeps the rows that were taken in so far out of segments that take more: rows of these intervals that come later go to new ones.
    /// When it returns, that is durable. The host must not hold what `StreamHost.open` waits for.
    ///
    /// - Errors: the cut could not be made durable.
    @discardableResult
    package func cut(_ intervals: [Interval]) throws(LaminaError) -> StreamCut {
        func isCut(_ sink: StreamSink) -> Bool { intervals.contains { $0.overlaps(sink.rows.segment.interval) } }
        while true {
            // A segment that is being opened may have been allocated before the cut: it must be among those from before, without rows.
            _ = state.wait { $0.isOpening ? nil : true }
            var cut = StreamCut()
            let ticket: Int?? = try state.update { state throws(LaminaError) in
                if state.isOpening { return nil }
                cut.position = state.position
                cut.segments = Set(state.sequences.flatMap { $0.sinks.map(\.rows.segment.id) })
                guard state.sequences.contains(where: { $0.sinks.contains(where: isCut) }) else { return .some(nil) }
                if let failure = state.failure { throw failure }
                let last = state.sequences.count - 1
                for place in state.sequences[last].sinks.indices where isCut(state.sequences[last].sinks[place]) {
                    state.sequences[last].sinks[place].isClosed = true
                }
                state.persistWanted += 1
                return .some(state.persistWanted)
            }
            guard let ticket else { continue }
            if let ticket { try awaitPersist(ticket) }
            return cut
        }
    }

    /// Makes everything that was taken in so far durable.
    package func persist() throws(LaminaError) {
        try awaitPersist(
            state.update { state in
                state.persistWanted += 1
                return state.persistWanted
            }
        )
    }

    // MARK: ending

    /// Ends it with nothing lost.
    ///
    /// - Parameters:
    ///   - publishing: hands off everything and waits until it is published; else rows stay in pieces for the next start.
    ///   - milliseconds: how long to wait for publishing; nil waits for as long as it takes.
    /// - Errors: what kept rows from being persisted; `timeout` when they could not be published in time: they are durable then, and the
    ///   next start goes on with them. It has ended in any case.
    package func stop(publishing: Bool, milliseconds: Int64? = nil) throws(LaminaError) {
        let now = clock()
        let ticket = state.update { state in
            state.isClosed = true
            if publishing { state.handOff(now: now, startsTask: true) }
            state.persistWanted += 1
            return state.persistWanted
        }
        defer { endThreads() }
        try awaitPersist(ticket)
        guard publishing else { return }
        let outcome: LaminaError?? = state.wait(milliseconds: milliseconds) { state in
            if let failure = state.failure { return .some(failure) }
            if state.sequences.count == 1 { return .some(nil) }
            return state.leavesPublishing ? .some(self.unpublished(state)) : nil
        }
        switch outcome {
        case .some(nil): return
        case .some(let failure?): throw failure
        case nil: throw state.read(unpublished)
        }
    }

    private func unpublished(_ state: StreamState) -> LaminaError {
        let reason = state.publishError.map { ": \($0.message)" } ?? ""
        return LaminaError(.timeout, code: "timeout", "\(name) was not published in time\(reason)")
    }

    /// Ends the wait of a `stop` for publishing, of one to come too: the process ends, and the next one goes on.
    package func leaveUnpublished() { state.update { $0.leavesPublishing = true } }

    /// Ends it, and takes from queries whatever is not published; the next start reads it again from the committed position.
    package func discard() throws(LaminaError) {
        endThreads()
        try withdrawAll()
    }

    /// Ends it where it stands, after an error: rows that are not durable are taken from queries, and the next start reads them again.
    package func abandon() throws(LaminaError) {
        endThreads()
        let lost = state.update { state in
            let kept = Set(state.committed.sequences.flatMap { $0.sinks.map(\.segment.id) })
            return state.sequences.flatMap { $0.sinks.map(\.rows.segment) }.filter { !kept.contains($0.id) }
        }
        if !lost.isEmpty { try host.withdraw(lost) }
    }

    func endThreads() {
        state.update { $0.isEnding = true }
        let running = threads.update { threads in
            defer { threads = [] }
            return threads
        }
        for thread in running { thread.join() }
    }
}

/// A step that changes what is on disk.
package enum StreamStep: Sendable, CaseIterable {
    case openingSegment, writingPieces, writingCommit, merging, publishing, cleaning
}

/// What a stream is doing.
package struct StreamStatus: Sendable {
    /// Rows that are published together: the last one takes rows, those before are being published.
    package struct Sequence: Sendable {
        package var name: String
        package var start: StreamPosition
        package var end: StreamPosition?
        package var created: Int64
        package var segments: [DataSegment]
        package var rows: Int
    }

    package var position: StreamPosition
    /// Where a restart would read on.
    package var durable: StreamPosition
    package var taskStarted: Int64
    package var sequences: [Sequence]
    /// What keeps it from going on or from publishing, if anything.
    package var error: LaminaError?
}

extension StreamIndexer {
    /// Where a stream that is not open would read on, by what its folder holds; nil when that is where it last committed.
    ///
    /// - Errors: the folder cannot be read.
    package static func storedPosition(in directory: String) throws(LaminaError) -> StreamPosition? {
        let path = "\(directory)/\(StreamRecovery.fileName)"
        guard let bytes = try readFile(path) else { return nil }
        let commit = try StreamCommit(reading: bytes, path: path)
        return commit.sequences.isEmpty ? nil : commit.position
    }

    /// The folder that publishes of an indexer give to their host.
    package static func workFolder(of directory: String) -> String { directory }
}
