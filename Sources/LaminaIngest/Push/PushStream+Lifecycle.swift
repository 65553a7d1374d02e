package import LaminaBase
import Synchronization

/// Starting, stopping and steering a stream.
extension PushStream {
    /// Takes in what the journal holds beyond the indexer's files, then serves. Also after `suspend` and `stop`.
    /// - Errors: files that cannot be read; the phase says so too, and another try is possible.
    package func start() throws(LaminaError) {
        try lifecycle.withLock { _ throws(LaminaError) in
            switch phase {
            case .running, .recovering: return
            default: break
            }
            load.update { load in
                load.phase = .starting
                load.leavesPublishing = false
            }
            do throws(LaminaError) {
                _ = try openIndexer()
                try startThreads()
                load.update { $0.phase = .running }
            } catch {
                stopThreads()
                stopIndexer(because: error)
                load.update { $0.phase = .failed(error.message) }
                throw error
            }
        }
    }

    /// After a start that failed: what the indexer does not make durable is in the journal.
    private func stopIndexer(because reason: LaminaError) {
        guard let indexer = indexing.withLock({ $0 }) else { return }
        indexing.withLock { $0 = nil }
        do throws(LaminaError) {
            try indexer.stop(publishing: false)
        } catch {
            options.log(
                "The push stream of \(dataSource) could not start (\(reason.message)), nor persist what it had read: "
                    + error.message
            )
        }
    }

    private func makeIndexer() throws(LaminaError) -> StreamIndexer {
        try StreamIndexer(
            spec.stream,
            name: name,
            directory: "\(folder)/rows",
            host: host,
            lookups: options.lookups,
            clock: options.clock,
            probe: options.probe
        )
    }

    /// A new indexer over the stream's files, with all of the journal in it.
    /// - Returns: the journal's next number.
    func openIndexer() throws(LaminaError) -> Int64 {
        let indexer = try makeIndexer()
        do throws(LaminaError) {
            let next = try replayJournal(into: indexer)
            indexing.withLock { $0 = indexer }
            return next
        } catch {
            abandon(indexer)
            throw error
        }
    }

    /// Ends an indexer after an error; the next one reads again what it had not persisted.
    func abandon(_ indexer: StreamIndexer) {
        do throws(LaminaError) {
            try indexer.abandon()
        } catch {
            options.log("Rows of \(dataSource) could not be taken from queries: \(error.message)")
        }
    }

    /// Takes no more pushes, publishes what was taken in, and keeps keys, producers and dead letters.
    /// - Errors: what kept rows from being published: they are on disk, and the next start goes on with them.
    package func suspend(milliseconds: Int64? = nil) throws(LaminaError) {
        try end(.suspended, publishing: true, milliseconds: milliseconds)
    }

    /// Takes no further pushes from now on; `suspend`, `terminate` or `stop` follows.
    package func refuse() { load.update { if $0.phase == .running { $0.phase = .suspended } } }

    /// Lets a `suspend` or `terminate` that waits end, with an error, before all is published: the process ends, and the next start goes
    /// on. `stop` follows.
    package func leaveUnpublished() {
        load.update { $0.leavesPublishing = true }
        indexing.withLock { $0 }?.leaveUnpublished()
    }

    /// Takes no more pushes; rows stay on disk for the next start.
    package func stop() throws(LaminaError) { try end(.stopped, publishing: false) }

    private func end(_ phase: Phase, publishing: Bool, milliseconds: Int64? = nil) throws(LaminaError) {
        try lifecycle.withLock { _ throws(LaminaError) in
            load.update { $0.phase = phase }
            stopThreads()
            keepMeter(isLast: true)
            // Nothing may stay in the journal alone when it is to be published.
            if publishing, indexing.withLock({ $0 }) == nil { _ = try openIndexer() }
            guard let indexer = indexing.withLock({ $0 }) else { return }
            defer {
                lastCounters.withLock { $0 = indexer.counters }
                indexing.withLock { $0 = nil }
            }
            if load.read({ $0.leavesPublishing }) { indexer.leaveUnpublished() }
            try indexer.stop(publishing: publishing, milliseconds: milliseconds)
            try trimJournal(below: indexer.publishedPosition[partition] ?? 0)
        }
    }

    /// Publishes what was taken in, and removes all that the stream knows: keys, producers and dead letters too.
    package func terminate(milliseconds: Int64? = nil) throws(LaminaError) {
        try end(.stopped, publishing: true, milliseconds: milliseconds)
        removeFolder(folder)
    }

    /// Forgets everything that is not published, and all keys and producers; goes on empty if it ran. Dead letters stay.
    ///
    /// The journal's numbers go on, so that what is committed keeps its meaning; the caller may forget that as well.
    package func reset() throws(LaminaError) {
        let ran = phase != .suspended && phase != .stopped
        try lifecycle.withLock { _ throws(LaminaError) in
            load.update { $0.phase = .stopped }
            stopThreads()
            let indexer: StreamIndexer
            if let open = indexing.withLock({ $0 }) {
                indexer = open
            } else {
                indexer = try makeIndexer()
            }
            let end = max(journal.next, indexer.position[partition] ?? 0)
            indexing.withLock { $0 = nil }
            try indexer.discard()
            removeFolder("\(folder)/rows")
            try journal.restart(at: end)
            try keys.reset()
            meter.withLock { $0 = PushMeter(since: options.clock()) }
            keepMeter(isLast: true)
        }
        if ran { try start() }
    }

    /// Publishes what was taken in so far; goes on taking rows.
    package func handOff() {
        indexing.withLock { $0 }?.handOff()
    }

    /// Makes rows of an interval that come later go to other segments; see `StreamIndexer.cut`. While the journal is read again it waits:
    /// the segments are open all the same, and what was accepted before must lie before the cut.
    ///
    /// - Errors: also when reading the journal takes too long.
    @discardableResult
    package func cut(_ intervals: [Interval]) throws(LaminaError) -> StreamCut {
        let open: StreamIndexer?? = load.wait(milliseconds: options.waitMilliseconds) { load in
            if case .recovering = load.phase { return nil }
            return .some(self.indexing.withLock { $0 })
        }
        guard let open else { throw notRunning(phase) }
        return try open?.cut(intervals) ?? StreamCut()
    }
}

extension PushStream: StreamWriter {}
