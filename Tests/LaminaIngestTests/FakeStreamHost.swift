import LaminaBase
import LaminaIngest
import LaminaSegment
import Synchronization

/// The rest of a server in memory: what is committed and published outlives a crash, what is announced does not.
final class FakeStreamHost: StreamHost {
    struct State: Sendable {
        var committed: StreamPosition?
        /// Published segments with the values of their `id` column.
        var published: [SegmentID: [Int64]] = [:]
        var publishedRows = 0
        /// Identities that were given out and are not published, replaced or withdrawn.
        var pending: Set<SegmentID> = []
        var announced: [SegmentID: any RealtimeRows] = [:]
        var nextPartition = 0
        var opened: [DataSegment] = []
        var publishes: [(from: StreamPosition, to: StreamPosition)] = []
        var isCrashed = false
        /// Steps until it crashes.
        var fuse = Int.max
        /// Errors that the next publishes give.
        var failures: [LaminaError] = []
        /// Chunks that are there, whatever the granularity.
        var chunks: [Interval] = []
        var isPersistHeld = false
        /// Segments are allocated, but the answer does not come.
        var isOpenHeld = false
        /// Whether a start is held that comes after a failure of a publish.
        var holdsAfterFailure = false
        var isStartHeld = false
        var asked = 0
        /// The next publish is done, but tells of an error.
        var losesAnswer = false
        /// Told of every step.
        var onStep: (@Sendable (StreamStep) -> Void)?
        var isDiskFull = false
        var lines: [String] = []
    }

    let state = Monitor(State())

    static let crash = LaminaError(.runtimeFailure, code: "crash", "the process died")

    /// The same server after a crash.
    func next() -> FakeStreamHost {
        let host = FakeStreamHost()
        let old = state.read { $0 }
        host.state.update { state in
            state.committed = old.committed
            state.published = old.published
            state.pending = old.pending
            state.nextPartition = old.nextPartition
            state.chunks = old.chunks
        }
        return host
    }

    /// One step towards the crash; throws from then on.
    func step() throws(LaminaError) {
        let isCrashed = state.update { state in
            state.fuse = max(0, state.fuse - 1)
            if state.fuse == 0 { state.isCrashed = true }
            return state.isCrashed
        }
        if isCrashed { throw Self.crash }
    }

    var isCrashed: Bool { state.read { $0.isCrashed } }

    func probe(_ step: StreamStep) throws(LaminaError) {
        state.read { $0.onStep }?(step)
        _ = state.wait { $0.isPersistHeld && step == .writingPieces && !$0.isCrashed ? nil : true }
        if state.read({ $0.isDiskFull }), step == .writingPieces || step == .writingCommit {
            throw .io("write", path: "\(step)", errno: 28)
        }
        try self.step()
    }

    func open(
        time: Int64,
        granularity: Granularity,
        sequence: String,
        make: (DataSegment) throws(LaminaError) -> any RealtimeRows
    ) throws(LaminaError) -> DataSegment {
        try step()
        let segment = state.update { state in
            defer { state.nextPartition += 1 }
            return DataSegment(
                dataSource: "t",
                interval: state.chunks.first { $0.contains(time) } ?? granularity.bucket(time),
                version: "v1",
                loadSpec: .null,
                dimensions: [],
                metrics: [],
                shardSpec: .numbered(partition: state.nextPartition, core: 0),
                size: 0
            )
        }
        let rows = try make(segment)
        state.update { state in
            state.pending.insert(segment.id)
            state.announced[segment.id] = rows
            state.opened.append(segment)
        }
        _ = state.wait { $0.isOpenHeld && !$0.isCrashed ? nil : true }
        try step()
        return segment
    }

    func reopen(_ segment: DataSegment, rows: any RealtimeRows) throws(LaminaError) -> Bool {
        try step()
        return state.update { state in
            guard state.pending.contains(segment.id) else { return false }
            state.announced[segment.id] = rows
            return true
        }
    }

    func withdraw(_ segments: [DataSegment]) throws(LaminaError) {
        try step()
        state.update { state in
            for segment in segments {
                state.pending.remove(segment.id)
                state.announced[segment.id] = nil
            }
        }
    }

    func publish(
        _ built: [BuiltStreamSegment],
        from start: StreamPosition,
        to end: StreamPosition,
        work: String
    ) throws(LaminaError) {
        try step()
        var stored: [SegmentID: [Int64]] = [:]
        for item in built {
            guard let folder = item.folder else { continue }
            stored[item.segment.id] = try Self.ids([Segment.open(path: folder)])
        }
        try state.update { state throws(LaminaError) in
            if !state.failures.isEmpty {
                state.isStartHeld = state.holdsAfterFailure
                throw state.failures.removeFirst()
            }
            for (partition, offset) in start {
                if let committed = state.committed?[partition], committed != offset {
                    throw LaminaError(.conflict, code: "conflict", "\(partition) is at \(committed), not \(offset)")
                }
            }
            for item in built {
                guard state.pending.remove(item.segment.id) != nil else { continue }
                state.announced[item.segment.id] = nil
                if let ids = stored[item.segment.id] { state.published[item.segment.id] = ids }
            }
            state.committed = (state.committed ?? [:]).merging(end) { $1 }
            state.publishes.append((start, end))
        }
        // The answer of a transaction may not arrive any more.
        let isLost = state.update { state in
            defer { state.losesAnswer = false }
            return state.losesAnswer
        }
        if isLost { throw .io("write", path: "metadata", errno: 5) }
        try step()
    }

    func committed() throws(LaminaError) -> StreamPosition? {
        // First the failed publish itself asks.
        let isAskedAgain = state.update { state in
            defer { state.asked += state.isStartHeld ? 1 : 0 }
            return state.asked > 0
        }
        if isAskedAgain { _ = state.wait { $0.isStartHeld ? nil : true } }
        try step()
        return state.read { $0.committed }
    }

    func log(_ line: String) { state.update { $0.lines.append(line) } }

    // MARK: looking

    /// Every id that a query sees now, sorted.
    func visible() throws -> [Int64] {
        let (published, views) = state.read { state in
            (state.published.values.flatMap { $0 }, state.announced.values.flatMap { $0.views() })
        }
        return try (published + Self.ids(views)).sorted()
    }

    /// Segments with rows of the intervals that are there now.
    func segments(_ interval: Interval) -> Set<SegmentID> {
        state.read { state in
            Set((Array(state.pending) + Array(state.published.keys)).filter { $0.interval.overlaps(interval) })
        }
    }

    /// What the publish of a replace does to them.
    func drop(_ segments: Set<SegmentID>) {
        state.update { state in
            for id in segments {
                state.pending.remove(id)
                state.announced[id] = nil
                state.published[id] = nil
            }
        }
    }

    static func ids(_ views: [any SegmentView]) throws(LaminaError) -> [Int64] {
        var out: [Int64] = []
        for view in views where view.rowCount > 0 {
            guard case .long(let column)? = try view.column("id") else { continue }
            let reader = column.makeReader()
            var row = 0
            while row < view.rowCount {
                let end = row + min(reader.contiguousRows(from: row), view.rowCount - row)
                out.append(contentsOf: try reader.read(row..<end))
                row = end
            }
        }
        return out
    }
}
