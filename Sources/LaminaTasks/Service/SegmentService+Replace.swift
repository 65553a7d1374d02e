package import LaminaBase
package import LaminaIngest
import LaminaMetadata
import Synchronization

/// A registered writer and whose rows it writes.
struct RegisteredWriter: Sendable {
    var writer: any StreamWriter
    var dataSource: String
}

extension SegmentService {
    /// Says that a task wants to replace what lies in the intervals, before it asks for its locks: from now on no new chunk there
    /// takes a version that could be newer than the one the task is going to get.
    package func prepareReplace(
        task: String,
        dataSource: String,
        intervals: [Interval],
        readsItself: Bool
    ) throws(LaminaError) {
        try exclusively { () throws(LaminaError) in
            var known = known(dataSource)
            if known.replacements[task] == nil {
                known.replacements[task] = Replacement(intervals: intervals, readsItself: readsItself)
            } else {
                known.replacements[task]?.intervals = intervals
            }
            note(dataSource, known)
        }
    }

    /// The cut: of the rows in the task's intervals those accepted before vanish together when the task publishes, those accepted
    /// after this returns stay visible throughout and then belong to the new version.
    ///
    /// Segments allocated from here on belong to the new version. Every writer of the datasource closes the ones it has open at its
    /// next batch and makes them durable, so that what is read again after a crash goes to new ones. A task that reads the datasource
    /// itself replaces only what is published now: what is not lives on whole, and nothing needs to be closed.
    ///
    /// - Parameter again: the cut moves, if there was one, to now.
    /// - Errors: of a writer that cannot make its rows durable.
    package func beginReplace(task: String, dataSource: String, again: Bool = false) throws(LaminaError) {
        let cutting: [Interval]? = try exclusively { () throws(LaminaError) in
            var known = known(dataSource)
            guard var replacement = known.replacements[task], again || !replacement.hasBegun else { return nil }
            replacement.hasBegun = true
            replacement.wasRewound = false
            replacement.landed = [:]
            replacement.later = Set(
                known.allocations.values.filter {
                    ($0.isTask || replacement.readsItself) && replacement.overlaps($0.root.interval)
                }.map(\.root.id)
            )
            if replacement.readsItself { replacement.snapshot = known.published }
            known.replacements[task] = replacement
            note(dataSource, known)
            return replacement.readsItself ? nil : replacement.intervals
        }
        guard let cutting else { return }
        var cut = StreamCut()
        for writer in writers(of: dataSource) {
            do throws(LaminaError) {
                cut.add(try writer.cut(cutting))
            } catch {
                // One that ended meanwhile has no rows any more but durable ones, which the next one opens, and is cut with.
                guard error.code == "closed" else { throw error }
            }
        }
        try exclusively { () throws(LaminaError) in
            var known = known(dataSource)
            known.replacements[task]?.positions = cut.position
            // Those that were opened while the writers were cut one behind the other have rows from before their writer's cut.
            known.replacements[task]?.later.subtract(cut.segments)
            note(dataSource, known)
        }
    }

    /// The task has ended, however it did: what it prepared and allocated is forgotten.
    package func endReplace(task: String, dataSource: String) throws(LaminaError) {
        try exclusively { () throws(LaminaError) in
            var known = known(dataSource)
            if known.replacements.removeValue(forKey: task) != nil { note(dataSource, known) }
        }
        try withdraw(dataSource: dataSource, allocator: task)
    }

    /// Where the datasource's streams were at a task's cut: rows up to there vanish with its publish. The task brings them itself, so it
    /// cannot publish any more when a stream goes back to read them again.
    package func followStreams(task: String, dataSource: String) throws(LaminaError) -> StreamPosition {
        try exclusively { () throws(LaminaError) in
            var known = known(dataSource)
            known.replacements[task]?.followsStreams = true
            note(dataSource, known)
            return known.replacements[task]?.positions ?? [:]
        }
    }

    /// A stream is going to read records again that it had read. Called before it does.
    package func noteRewind(dataSource: String) throws(LaminaError) {
        try exclusively { () throws(LaminaError) in
            var known = known(dataSource)
            for task in known.replacements.keys { known.replacements[task]?.wasRewound = true }
            note(dataSource, known)
        }
    }

    /// Whether a task's publish would be refused since a stream reads again what it brings.
    func wasRewound(task: String, dataSource: String) -> Bool {
        known(dataSource).replacements[task]?.isSpoilt ?? false
    }

    /// What was published when a task that reads what it replaces began; nil for others.
    func snapshot(task: String, dataSource: String) -> SegmentTimeline? {
        known(dataSource).replacements[task]?.snapshot
    }

    /// Makes a stream's writer part of every replacement of the datasource, those that run now included. Called after its segments
    /// were reopened and before it takes rows.
    package func register(_ writer: any StreamWriter, dataSource: String) throws(LaminaError) {
        writers.withLock {
            $0[ObjectIdentifier(writer)] = RegisteredWriter(writer: writer, dataSource: dataSource)
        }
        for replacement in known(dataSource).replacements.values
        where replacement.hasBegun && !replacement.readsItself {
            try writer.cut(replacement.intervals)
        }
    }

    private func writers(of dataSource: String) -> [any StreamWriter] {
        writers.withLock { $0.values.filter { $0.dataSource == dataSource }.map(\.writer) }
    }

    /// Lets the datasource's streams publish what they have, in the background.
    func handOffStreams(_ dataSource: String) { for writer in writers(of: dataSource) { writer.handOff() } }

    package func unregister(_ writer: any StreamWriter) {
        _ = writers.withLock { $0.removeValue(forKey: ObjectIdentifier(writer)) }
    }
}
