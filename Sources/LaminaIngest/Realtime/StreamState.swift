import LaminaBase

/// A segment of a sequence.
struct StreamSink: Sendable {
    let rows: RealtimeSegment
    /// In the stream's folder.
    let folder: String
    /// Whether it takes no more rows.
    var isClosed = false
}

/// Rows that are published together.
struct StreamSequence: Sendable {
    let number: Int
    var start: StreamPosition
    /// nil while it takes rows.
    var end: StreamPosition?
    /// When it began to wait for rows.
    var created: Int64
    var counts = StreamCounts()
    var sinks: [StreamSink] = []
    /// Whether `commit.json` knows its end and all its rows: only then it may be published.
    var isDurable = false

    var rowCount: Int { sinks.reduce(0) { $0 + $1.rows.rowCount } }
}

/// What changes in a `StreamIndexer`, under its lock: between two batches whenever somebody looks.
struct StreamState: Sendable {
    var position: StreamPosition
    /// A segment is being opened that is in no sequence yet.
    var isOpening = false
    /// Items of the stored sketches that came for the open sequence.
    var sketchItems: UInt64 = 0
    /// Not published ones in order; the last one takes rows.
    var sequences: [StreamSequence]
    /// Counts of the sequences that were published.
    var published: StreamCounts
    var taskStarted: Int64
    var lastPersist: Int64
    var nextSequence: Int
    var nextFolder: Int
    var meter: StreamMeter
    /// Oldest first, as JSON.
    var savedErrors: [JSON] = []
    /// Since the task started.
    var badRows: Int64 = 0

    /// Requests to persist are numbered; each asks for all that was there when it was made.
    var persistWanted = 0
    var persistDone = 0
    /// The newest request that a try failed on.
    var persistFailed = 0
    /// Tries that came to an end.
    var persistTries = 0
    /// Of the last try.
    var persistError: LaminaError?
    var publishError: LaminaError?
    /// What `commit.json` says.
    var committed: StreamCommit
    /// Folders that go as soon as it does not list them.
    var leftovers: [String] = []

    /// It cannot go on: the object is to be given up.
    var failure: LaminaError?
    /// Takes no more rows.
    var isClosed = false
    /// Nobody waits for publishing any more.
    var leavesPublishing = false
    /// Its threads are to end.
    var isEnding = false

    /// - Parameter commit: what was found on disk, or nothing.
    init(_ commit: StreamCommit, now: Int64) {
        position = commit.position
        sequences = []
        published = commit.published
        taskStarted = commit.taskStarted
        lastPersist = now
        nextSequence = commit.nextSequence
        nextFolder = commit.nextFolder
        meter = StreamMeter(now: now)
        committed = commit
    }

    var open: StreamSequence {
        guard let last = sequences.last else { preconditionFailure("a stream has an open sequence") }
        return last
    }

    var totals: StreamCounts {
        var totals = published
        for sequence in sequences { totals.add(sequence.counts) }
        return totals
    }

    /// Opens a sequence that begins where the last one ends.
    mutating func openSequence(now: Int64) {
        sequences.append(StreamSequence(number: nextSequence, start: position, created: now))
        nextSequence += 1
    }

    /// Ends the open sequence, unless nothing came since it began.
    mutating func handOff(now: Int64, startsTask: Bool) {
        if startsTask {
            taskStarted = now
            badRows = 0
        }
        guard open.start != position else {
            // Its time begins anew, or its first rows would be handed off alone.
            sequences[sequences.count - 1].created = now
            return
        }
        sequences[sequences.count - 1].end = position
        openSequence(now: now)
        sketchItems = 0
        persistWanted += 1
        lastPersist = now
    }

    /// Items that the stored sketches of one sequence may stand for together. Far fewer than any sketch can count, as rows that are
    /// prepared before a hand-off, or came before a restart, are not in the sum.
    static let sketchItemsMax = UInt64(1) << 48

    /// Counts the items of rows' stored sketches for the open sequence, whose rows may all come together in one.
    ///
    /// - Returns: the rows that are too much, with the reason.
    mutating func hold(_ items: [(row: Int32, items: UInt64)]) -> [Int32: String] {
        var refused: [Int32: String] = [:]
        for (row, count) in items where refused[row] == nil {
            if count <= Self.sketchItemsMax - sketchItems {
                sketchItems += count
            } else {
                refused[row] =
                    "A sketch of \(count) items is too much behind others with \(sketchItems): together they may have "
                    + "\(Self.sketchItemsMax) until the next hand-off"
            }
        }
        return refused
    }

    /// Rows and bytes that are to be frozen at the next persist.
    var growing: (rows: Int, bytes: Int) {
        var sum = (rows: 0, bytes: 0)
        for sequence in sequences where !sequence.isDurable {
            for sink in sequence.sinks {
                let own = sink.rows.growing
                sum = (sum.rows + own.rows, sum.bytes + own.bytes)
            }
        }
        return sum
    }

    /// What `commit.json` is to say once everything that is frozen now is in pieces. Their names come then.
    var snapshot: StreamCommit {
        var commit = StreamCommit()
        commit.position = position
        commit.published = published
        commit.taskStarted = taskStarted
        commit.nextSequence = nextSequence
        commit.nextFolder = nextFolder
        commit.sequences = sequences.map { sequence in
            StreamCommit.Sequence(
                number: sequence.number,
                start: sequence.start,
                end: sequence.end,
                created: sequence.created,
                counts: sequence.counts,
                sinks: sequence.sinks.map {
                    StreamCommit.Sink(
                        segment: $0.rows.segment,
                        folder: $0.folder,
                        pieces: [],
                        isClosed: $0.isClosed
                    )
                }
            )
        }
        return commit
    }
}
