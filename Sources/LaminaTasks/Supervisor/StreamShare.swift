package import LaminaBase
package import LaminaIngest
import LaminaMetadata
import LaminaQuery
import Synchronization

/// What the tasks of one supervisor have in common: its folder, its host, the stream, and where they began to read.
package final class StreamShare: Sendable {
    let id: String
    let kind: StreamKind
    let dataSource: String
    /// What is committed of the stream.
    package let commits: StreamCommits
    /// `DATA/streams/<id>`: a folder for each task group, and `start.json`.
    let folder: String
    let segments: SegmentService
    let connector: any StreamConnector
    let tasks: TaskService
    let store: MetadataStore
    let lookups: LookupResolver?
    let clock: @Sendable () -> Int64
    /// Rows that could not be taken in.
    let deadLetters: DeadLetters
    /// Held while `start.json` is read and written.
    private let starting = Mutex(())

    package init(
        id: String,
        kind: StreamKind,
        dataSource: String,
        segments: SegmentService,
        connector: any StreamConnector,
        tasks: TaskService,
        clock: @escaping @Sendable () -> Int64
    ) throws(LaminaError) {
        self.id = id
        self.kind = kind
        self.dataSource = dataSource
        self.segments = segments
        commits = StreamCommits(supervisor: dataSource, kind: kind, segments: segments)
        folder = tasks.directory.stream(id)
        self.connector = connector
        self.tasks = tasks
        store = tasks.store
        lookups = tasks.options.lookups
        self.clock = clock
        try makeFolders(folder)
        deadLetters = try DeadLetters(folder: "\(folder)/deadletters")
    }

    /// The same supervisor's, for tasks of another version of its spec.
    init(_ other: StreamShare, spec: SupervisorSpec) {
        id = other.id
        kind = spec.kind
        dataSource = spec.dataSource
        commits = StreamCommits(supervisor: spec.dataSource, kind: spec.kind, segments: other.segments)
        folder = other.folder
        segments = other.segments
        connector = other.connector
        tasks = other.tasks
        store = other.store
        lookups = other.lookups
        clock = other.clock
        deadLetters = other.deadLetters
    }

    /// Folders of task groups that an earlier task left.
    var groupFolders: [(group: Int, path: String)] {
        get throws(LaminaError) {
            try folderEntries(folder).compactMap { name in Int(name).map { ($0, "\(folder)/\(name)") } }
        }
    }

    func folder(of group: Int) -> String { "\(folder)/\(group)" }

    /// What the server lends to the writer of a task group.
    /// - Parameter log: of its task.
    func host(of group: Int, log: @escaping @Sendable (String) -> Void) -> StreamStore {
        StreamStore(
            name: "index_\(kind.type)_\(id)/\(group)",
            supervisor: dataSource,
            dataSource: dataSource,
            kind: kind,
            segments: segments,
            directory: tasks.directory,
            log: log
        )
    }

    // MARK: where reading begins

    private var startFile: String { "\(folder)/start.json" }

    /// Where partitions are read from that nothing is committed of: as it was decided when they were first seen, so that a crash before the
    /// first publish skips nothing.
    ///
    /// - Parameter decide: asked for those that are seen for the first time.
    func firstOffsets(
        _ partitions: [StreamPartition],
        decide: ([StreamPartition]) throws -> StreamPosition
    ) throws -> StreamPosition {
        starting._unsafeLock()
        defer { starting._unsafeUnlock() }
        var known = try readStart()
        let unknown = partitions.filter { known[$0] == nil }
        if !unknown.isEmpty {
            known.merge(try decide(unknown)) { _, new in new }
            try writeStart(known)
        }
        return known.filter { partitions.contains($0.key) }
    }

    /// Forgets (or moves) where partitions begin and what is committed of them.
    /// - Parameter offsets: nil: all of them.
    func resetCommitted(to offsets: StreamPosition?) throws(LaminaError) {
        // Also when no task had to be dropped for it: who brings rows up to what was read would bring them twice.
        try segments.noteRewind(dataSource: dataSource)
        starting._unsafeLock()
        defer { starting._unsafeUnlock() }
        guard let offsets else {
            try removeTree(startFile)
            try commits.reset()
            return
        }
        var known = try readStart()
        known.merge(offsets) { _, new in new }
        try writeStart(known)
        try commits.reset(to: offsets)
    }

    private func readStart() throws(LaminaError) -> StreamPosition { try Self.firstOffsets(in: folder) }

    /// Where the partitions of a supervisor's folder were begun with.
    static func firstOffsets(in folder: String) throws(LaminaError) -> StreamPosition {
        let path = "\(folder)/start.json"
        guard let bytes = try readFile(path) else { return [:] }
        return try StreamPosition(stored: try JSONParser.parse(bytes), path: path)
    }

    /// Where the tasks in a supervisor's folder would read on if they were opened now, beyond what is committed.
    static func storedPositions(in folder: String) throws(LaminaError) -> StreamPosition {
        var positions: StreamPosition = [:]
        for name in try folderEntries(folder) where Int(name) != nil {
            let stored = try StreamIndexer.storedPosition(in: rowsFolder(of: "\(folder)/\(name)"))
            positions.merge(stored ?? [:]) { max($0, $1) }
        }
        return positions
    }

    /// What a task group's folder holds of the indexer.
    static func rowsFolder(of folder: String) -> String { "\(folder)/rows" }

    private func writeStart(_ position: StreamPosition) throws(LaminaError) {
        try writeFile(startFile, Array(position.storedJSON.text.utf8))
    }
}
