import Glibc
package import LaminaBase
package import LaminaIngest
package import LaminaSegment
import Synchronization

/// What the server lends to one writer of a stream: allocation, announcement, deep storage, and the commit of offsets together with
/// segments.
///
/// - Source: Druid's `StreamAppenderatorDriver`, `SegmentTransactionalAppendAction`.
package final class StreamStore: StreamHost {
    private let name: String
    private let dataSource: String
    private let segments: SegmentService
    private let storage: DeepStorage
    private let writeLog: @Sendable (String) -> Void
    private let probe: (@Sendable (PublishStep) -> Void)?
    /// Allocations of this name that nobody reopened are dropped when the first new one is made.
    private let hasCleared = Mutex(false)

    package let commits: StreamCommits

    /// - Parameters:
    ///   - name: of this writer, the same after a restart and of no other: `index_kafka_<supervisor>/<group>`.
    ///   - supervisor: the name under which its offsets are committed: its datasource's.
    ///   - probe: told of every step of a publish, for tests of crashes.
    package init(
        name: String,
        supervisor: String,
        dataSource: String,
        kind: StreamKind,
        segments: SegmentService,
        directory: DataDirectory,
        log: @escaping @Sendable (String) -> Void,
        probe: (@Sendable (PublishStep) -> Void)? = nil
    ) {
        self.probe = probe
        self.name = name
        self.dataSource = dataSource
        self.segments = segments
        storage = DeepStorage(directory: directory, store: segments.store)
        writeLog = log
        commits = StreamCommits(supervisor: supervisor, kind: kind, segments: segments)
    }

    /// Clears what a publish that died left in deep storage. Called at the start, before segments are reopened.
    /// - Parameter work: the folder that publishes are given.
    package func recover(work: String) throws(LaminaError) {
        let intent = "\(work)/\(DeepStorage.intentName)"
        _ = try storage.removeUnpublished(listedIn: intent)
        try removeTree(intent)
    }

    package func open(
        time: Int64,
        granularity: Granularity,
        sequence: String,
        make: (DataSegment) throws(LaminaError) -> any RealtimeRows
    ) throws(LaminaError) -> DataSegment {
        try clearOnce()
        let allocated = try segments.allocate(
            dataSource: dataSource,
            .bucket(time: time, granularity),
            sequence: sequence,
            allocator: name,
            isTask: false
        )
        guard let segment = allocated.first else {
            throw LaminaError(.defensive, code: "defensive", "An allocation gave no segment")
        }
        do throws(LaminaError) {
            guard try segments.announce(segment, rows: try make(segment)) else {
                throw LaminaError(.conflict, code: "replaced", "\(segment.id) was replaced while it was opened")
            }
        } catch {
            let reason = error
            do throws(LaminaError) {
                try segments.withdraw(dataSource: dataSource, [segment.id])
            } catch {
                // Nobody has it: the writer's next life drops it with all that it does not open again.
                log("\(segment.id) stays allocated: \(error.message)")
            }
            throw reason
        }
        return segment
    }

    package func reopen(_ segment: DataSegment, rows: any RealtimeRows) throws(LaminaError) -> Bool {
        try segments.announce(segment, rows: rows)
    }

    package func withdraw(_ withdrawn: [DataSegment]) throws(LaminaError) {
        try segments.withdraw(dataSource: dataSource, withdrawn.map(\.id))
    }

    /// Takes back everything that this writer ever opened and did not publish (terminate, reset).
    package func withdrawAll() throws(LaminaError) {
        try segments.withdraw(dataSource: dataSource, allocator: name)
    }

    package func publish(
        _ built: [BuiltStreamSegment],
        from start: StreamPosition,
        to end: StreamPosition,
        work: String
    ) throws(LaminaError) {
        try clearOnce()
        let known = segments.known(dataSource).allocations
        var moving: [(segment: DataSegment, folder: String?)] = []
        for item in built where item.folder != nil && known[item.segment.id] != nil {
            moving.append((item.segment, item.folder))
        }
        let moved = try storage.moveIn(moving, work: work, probe: probe)
        let ending = built.map(\.segment.id)
        do throws(LaminaError) {
            try segments.publish(moved, by: .stream, settling: ending) { () throws(LaminaError) in
                try commits.move(from: start, to: end)
            }
        } catch {
            // A conflict does not pass; of everything else the next try finds the folders moved.
            if error.category == .conflict {
                try segments.noteRewind(dataSource: dataSource)
                try recover(work: work)
            }
            throw error
        }
        probe?(.stored)
        // Of segments that were replaced meanwhile the files are nobody's. They are listed, so the next start removes them, too.
        do throws(LaminaError) {
            try recover(work: work)
            probe?(.cleared)
        } catch {
            log("Cannot clear what was left out of a publish: \(error.message)")
        }
    }

    package func committed() throws(LaminaError) -> StreamPosition? { try commits.committed() }

    package func log(_ line: String) { writeLog(line) }

    /// Allocations of a life before this one that were not reopened: their rows are read again.
    private func clearOnce() throws(LaminaError) {
        let isFirst = hasCleared.withLock { hasCleared in
            defer { hasCleared = true }
            return !hasCleared
        }
        guard isFirst else { return }
        do throws(LaminaError) {
            try segments.withdraw(dataSource: dataSource, allocator: name, unclaimed: true)
        } catch {
            hasCleared.withLock { $0 = false }
            throw error
        }
    }
}
