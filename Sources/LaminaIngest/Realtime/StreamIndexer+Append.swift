package import LaminaBase

/// Taking rows in.
extension StreamIndexer {
    /// Parses and coerces records; by any thread. Rows are judged by `bounds`.
    ///
    /// - Errors: none that a record could cause.
    package func prepare(_ batch: RecordBatch, bounds: RowBounds) throws(LaminaError) -> PreparedRecords {
        let prepared = PreparedRecords(batch, bounds)
        let existing = state.read { Self.intervals($0) }
        for parsed in try parser.parse(batch).batches {
            var part = prepare(parsed, bounds, existing)
            if !part.rows.sketchItems.isEmpty {
                let items = part.rows.sketchItems
                let refused = part.refused.merging(state.update { $0.hold(items) }) { first, _ in first }
                if refused.count > part.refused.count { part = prepare(parsed, bounds, existing, refused: refused) }
            }
            prepared.parts.append(part)
            prepared.note(part.rows)
        }
        prepared.finish()
        return prepared
    }

    /// A row that something fails on is refused, and the others are prepared again.
    private func prepare(
        _ parsed: RowBatch,
        _ bounds: RowBounds,
        _ existing: [Interval],
        refused: [Int32: String] = [:]
    ) -> PreparedRecords.Part {
        var how = StreamPreparation(
            bounds: bounds,
            chunks: ChunkFinder.Rule(
                fixed: nil,
                granularity: spec.segmentGranularity,
                existing: existing,
                avoidsExisting: true
            ),
            refused: refused
        )
        while true {
            let rows = preparer.prepare(parsed, stream: how)
            if rows.failedRows.isEmpty { return PreparedRecords.Part(parsed: parsed, rows: rows, refused: how.refused) }
            how.refused.merge(rows.failedRows) { first, _ in first }
        }
    }

    /// Intervals of the segments that take rows, sorted.
    private static func intervals(_ state: StreamState) -> [Interval] {
        state.open.sinks.filter { !$0.isClosed }.map(\.rows.segment.interval).sorted()
    }

    /// Takes in prepared records, which queries see when it returns; waits while what came before is being written.
    ///
    /// - Errors: nothing was taken in, and the same records may be tried again, when opening a segment failed or the disk keeps rows
    ///   from leaving memory. `tooManyBadRows` by the spec's limit. Else `status.error` is set: it must be given up.
    package func append(_ prepared: PreparedRecords) throws(LaminaError) {
        try waitForRoom()
        try state.read { state throws(LaminaError) in try check(prepared, state) }
        while true {
            let opened = try openSegments(prepared)
            let isDone = try state.update { state throws(LaminaError) in
                try check(prepared, state)
                guard fits(prepared, state) else { return false }
                try take(prepared, &state)
                return true
            }
            if isDone { return }
            // The sinks that were to take them were closed meanwhile, or cut time otherwise than thought.
            if !opened { fit(prepared) }
        }
    }

    // MARK: before

    private enum Room {
        case enough
        case none(LaminaError?, tries: Int)
    }

    private func waitForRoom() throws(LaminaError) {
        while true {
            let room: Room = state.update { state in
                guard state.failure == nil, !state.isClosed, !state.isEnding, isFull(state) else { return .enough }
                if state.persistWanted == state.persistDone { state.persistWanted += 1 }
                return .none(state.persistError, tries: state.persistTries)
            }
            guard case .none(let error, let tries) = room else { return }
            if let error { throw error }
            _ = state.wait { state -> Bool? in
                let goesOn = state.persistTries != tries || state.failure != nil || state.isEnding || !isFull(state)
                return goesOn ? true : nil
            }
        }
    }

    private func isFull(_ state: StreamState) -> Bool {
        let (rows, bytes) = state.growing
        return rows >= spec.limits.maxRowsInMemory || bytes >= spec.limits.maxBytesInMemory
    }

    private func check(_ prepared: PreparedRecords, _ state: StreamState) throws(LaminaError) {
        if let failure = state.failure { throw failure }
        if state.isClosed || state.isEnding {
            throw LaminaError(.serviceUnavailable, code: "closed", "The stream \(name) takes no more records")
        }
        let batch = prepared.records
        var next: [Int64] = []
        for partition in batch.partitions { next.append(state.position[partition] ?? .max) }
        for record in batch.records {
            guard next.indices.contains(Int(record.partition)), record.offset >= next[Int(record.partition)] else {
                throw LaminaError(
                    .defensive,
                    code: "wrongOffset",
                    "A record with the offset \(record.offset) came to \(name), which was taken in before or not begun with"
                )
            }
            next[Int(record.partition)] = record.offset
        }
        for partition in batch.next.keys where state.position[partition] == nil {
            throw LaminaError(
                .defensive,
                code: "wrongOffset",
                "\(name) does not read \(partition.topic)-\(partition.number)"
            )
        }
        let bad = state.badRows + prepared.counts.unparseable + prepared.counts.processedWithError
        if bad > Int64(spec.limits.maxParseExceptions) {
            throw LaminaError(
                .runtimeFailure,
                code: "tooManyBadRows",
                "Max parse exceptions[\(spec.limits.maxParseExceptions)] exceeded",
                context: ["maxParseExceptions": "\(spec.limits.maxParseExceptions)"]
            )
        }
    }

    /// The place in the open sequence of the sink that takes rows at an interval: of several, which wait to take what the first has no
    /// room for, the first.
    private static func sink(_ interval: Interval, _ state: StreamState) -> Int? {
        state.open.sinks.firstIndex { !$0.isClosed && $0.rows.segment.interval.contains(interval) }
    }

    /// How a place of the rows stands to the sinks.
    private enum Standing {
        case fits
        /// No sink takes its time.
        case hasNone
        /// Those that do have too little room.
        case hasNoRoom
        /// A sink takes a part of its time.
        case overlaps
    }

    /// Rows that are to come, by the interval of the segments that take them. Every row counts, though rows that are rolled up take no
    /// room: a segment that was opened in vain takes what comes next, or nothing.
    private struct Demand {
        let rowsMax: Int
        private var rows: [Interval: Int] = [:]

        init(rowsMax: Int) { self.rowsMax = rowsMax }

        mutating func add(_ count: Int, at place: RowPlace, _ state: StreamState) -> Standing {
            guard let sink = StreamIndexer.sink(place.chunk, state) else {
                return StreamIndexer.intervals(state).contains { $0.overlaps(place.chunk) } ? .overlaps : .hasNone
            }
            let interval = state.open.sinks[sink].rows.segment.interval
            let wanted = rows[interval, default: 0] + count
            rows[interval] = wanted
            var room = 0
            for sink in state.open.sinks where !sink.isClosed && sink.rows.segment.interval.contains(place.chunk) {
                room += max(0, rowsMax - sink.rows.rowCount)
                if room >= wanted { return .fits }
            }
            return .hasNoRoom
        }
    }

    /// Whether every place of the rows has sinks with enough room.
    private func fits(_ prepared: PreparedRecords, _ state: StreamState) -> Bool {
        var demand = Demand(rowsMax: spec.limits.maxRowsPerSegment)
        for part in prepared.parts {
            for (place, range) in zip(part.rows.places, part.rows.rangeOfPlace) {
                guard case .fits = demand.add(range.count, at: place, state) else { return false }
            }
        }
        return true
    }

    /// Opens segments for rows that have none; without the lock, since the host may take its time.
    ///
    /// - Returns: whether every time has one now that lies around the whole place.
    private func openSegments(_ prepared: PreparedRecords) throws(LaminaError) -> Bool {
        var isWhole = true
        var demand = Demand(rowsMax: spec.limits.maxRowsPerSegment)
        for part in prepared.parts {
            for (number, place) in part.rows.places.enumerated() {
                var count = part.rows.rangeOfPlace[number].count
                place: while true {
                    switch state.read({ demand.add(count, at: place, $0) }) {
                    case .fits: break place
                    case .overlaps:
                        isWhole = false
                        break place
                    case .hasNone: break
                    // Its rows are among the wanted ones now.
                    case .hasNoRoom: count = 0
                    }
                    let interval = try openSegment(at: part.rows.timeOfPlace[number])
                    if !interval.contains(place.chunk) {
                        isWhole = false
                        break place
                    }
                }
            }
        }
        return isWhole
    }

    @discardableResult
    private func openSegment(at time: Int64) throws(LaminaError) -> Interval {
        defer { state.update { $0.isOpening = false } }
        while true {
            let (number, folder) = state.update { state in
                defer { state.nextFolder += 1 }
                state.isOpening = true
                return (state.open.number, "rows-\(state.nextFolder)")
            }
            try probe?(.openingSegment)
            var made: RealtimeSegment?
            let segment = try host.open(
                time: time,
                granularity: spec.segmentGranularity,
                sequence: "\(name)_\(number)"
            ) { segment throws(LaminaError) in
                let rows = try RealtimeSegment(
                    schema: segmentSchema,
                    segment: segment,
                    folder: "\(directory)/\(folder)"
                )
                made = rows
                return rows
            }
            guard let made, segment.interval.contains(time) else {
                throw LaminaError(
                    .defensive,
                    code: "wrongSegment",
                    "\(segment.id.text) was opened for \(instantText(time))"
                )
            }
            let isTaken = state.update { state in
                guard state.open.number == number else { return false }
                state.sequences[state.sequences.count - 1].sinks.append(StreamSink(rows: made, folder: folder))
                return true
            }
            if isTaken { return segment.interval }
            // Its sequence was handed off meanwhile.
            try host.withdraw([segment])
        }
    }

    /// Divides the rows anew, by the segments there are.
    private func fit(_ prepared: PreparedRecords) {
        let existing = state.read { Self.intervals($0) }
        for place in prepared.parts.indices {
            let part = prepared.parts[place]
            prepared.parts[place] = prepare(part.parsed, prepared.bounds, existing, refused: part.refused)
        }
    }

    // MARK: rows

    /// Under the lock, and nothing may fail any more. A segment that has as many rows as it may have hands on to the next one.
    private func take(_ prepared: PreparedRecords, _ state: inout StreamState) throws(LaminaError) {
        let now = clock()
        var reachesLimit = false
        do throws(LaminaError) {
            for part in prepared.parts {
                for (place, range) in zip(part.rows.places, part.rows.rangeOfPlace) {
                    var next = range.lowerBound
                    while next < range.upperBound {
                        guard let sink = Self.sink(place.chunk, state) else { throw noSegment(place.chunk) }
                        let rows = state.open.sinks[sink].rows
                        let left = next..<range.upperBound
                        Self.clip(part.rows, left, to: rows.segment.interval.start)
                        next = try rows.append(part.rows, rows: left, upTo: spec.limits.maxRowsPerSegment)
                        if rows.rowCount < spec.limits.maxRowsPerSegment { continue }
                        reachesLimit = true
                        state.sequences[state.sequences.count - 1].sinks[sink].isClosed = true
                    }
                }
            }
        } catch {
            // Some of its rows are in; nobody can take them out again.
            state.failure = error
            throw error
        }
        for (partition, offset) in prepared.records.next { state.position[partition] = offset }
        let last = state.sequences.count - 1
        state.sequences[last].counts.add(prepared.counts)
        state.meter.add(prepared.counts, now: now)
        note(prepared.errors, &state, now)
        if reachesLimit || state.open.rowCount >= spec.limits.maxTotalRows {
            state.handOff(now: now, startsTask: false)
            return
        }
        if isFull(state), state.persistWanted == state.persistDone {
            state.persistWanted += 1
            state.lastPersist = now
        }
    }

    private func noSegment(_ chunk: Interval) -> LaminaError {
        LaminaError(.defensive, code: "noSegment", "\(name) has no open segment for rows of \(chunk.text)")
    }

    /// Stored times never lie before their segment, however coarse the query granularity is.
    private static func clip(_ batch: PreparedBatch, _ range: Range<Int>, to start: Int64) {
        for row in range where batch.times[row] < start { batch.times[row] = start }
    }

    private func note(_ errors: [RowError], _ state: inout StreamState, _ now: Int64) {
        guard !errors.isEmpty else { return }
        state.badRows += Int64(errors.count)
        if spec.limits.logsParseExceptions {
            for error in errors { host.log("Bad row \(error.input): \(error.details.joined(separator: "; "))") }
        }
        let kept = spec.limits.maxSavedParseExceptions
        guard kept > 0 else { return }
        for error in errors.suffix(kept) {
            state.savedErrors.append([
                "input": .string(error.input),
                "errorType": .string(error.isUnparseable ? "unparseable" : "processedWithError"),
                "details": .array(error.details.map { .string($0) }),
                "timeOfExceptionMillis": .int(now),
            ])
        }
        if state.savedErrors.count > kept { state.savedErrors.removeFirst(state.savedErrors.count - kept) }
    }
}
