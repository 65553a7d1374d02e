import Glibc
import LaminaBase
import LaminaIngest
import LaminaSegment
import Synchronization

/// The face a running job sees of the service: locks, stored segments, log and progress.
final class TaskHost: IndexJobHost {
    private let service: TaskService
    private let entry: TaskService.Entry
    private let file: Mutex<Int32>
    private let library: StoredSegments

    init(service: TaskService, entry: TaskService.Entry) {
        self.service = service
        self.entry = entry
        library = StoredSegments(service.directory, service.segments)
        let path = service.directory.log(task: entry.status.id)
        file = Mutex(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644))
    }

    deinit {
        file.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
        }
    }

    var isCancelled: Bool {
        service.state.read { state in
            guard let entry = state.entry(entry.status.id) else { return true }
            return entry.cancelReason != nil
        }
    }

    func lock(_ intervals: [Interval], appending: Bool) throws(LaminaError) -> String {
        if appending { return try acquire(intervals, appending: true) }
        let (id, dataSource) = (entry.status.id, entry.status.dataSource)
        try service.segments.prepareReplace(
            task: id,
            dataSource: dataSource,
            intervals: intervals,
            readsItself: readsItself
        )
        let version = try acquire(intervals, appending: false)
        // What an index task has read already was read at its own cut.
        let isCompaction = if case .compact = entry.spec { true } else { false }
        try service.segments.beginReplace(task: id, dataSource: dataSource, again: isCompaction)
        return version
    }

    /// Whether the task replaces what it reads: then it may only take away what it could read.
    private var readsItself: Bool {
        switch entry.spec {
        case .index(let spec): spec.inputSource.readsDataSource(spec.dataSource)
        case .compact: true
        case .kill: false
        }
    }

    /// The locks alone.
    func acquire(_ intervals: [Interval], appending: Bool) throws(LaminaError) -> String {
        let id = entry.status.id
        let concurrent = entry.spec.context["useConcurrentLocks"]?.boolValue ?? false
        let type: TaskLockType = concurrent ? (appending ? .append : .replace) : .exclusive
        let request = LockRequest(
            dataSource: entry.status.dataSource,
            intervals: intervals,
            type: type,
            taskID: id,
            groupID: entry.status.groupID,
            priority: entry.spec.priority
        )
        let newest = service.segments.newestVersion(dataSource: entry.status.dataSource)
        let now = service.clock()
        service.keep(service.state.update { $0.locks.request(request, now: now, newestVersion: newest) })
        if service.state.read({ $0.locks.isWaiting(id) }) { log("Waiting for locks on \(intervals.map(\.text))") }
        let version: String? = service.state.wait { state in
            guard let entry = state.entry(id), entry.cancelReason == nil else { return .some(nil) }
            return state.locks.isWaiting(id) ? nil : .some(state.locks.locks(of: id).last?.version)
        }.flatMap { $0 }
        guard let version else {
            throw LaminaError(.canceled, code: "canceled", "Task \(id) was cancelled or lost its locks while it waited")
        }
        log("Locked \(intervals.map(\.text)) with version \(version)")
        return version
    }

    func allocate(_ chunk: Interval, count: Int) throws(LaminaError) -> [DataSegment] {
        try service.segments.allocate(
            dataSource: entry.status.dataSource,
            .interval(chunk),
            count: count,
            sequence: entry.status.id,
            allocator: entry.status.id,
            isTask: true
        )
    }

    func usedSegments(overlapping interval: Interval) throws(LaminaError) -> [DataSegment] {
        service.segments.visibleTimeline(entry.status.dataSource).distinctSegments(in: interval)
    }

    func visibleSegments(of dataSource: String, in interval: Interval) throws(LaminaError) -> [SegmentTimeline.Entry] {
        if let readable = try readable(dataSource) { return readable.lookup(interval) }
        return try library.visibleSegments(of: dataSource, in: interval)
    }

    func usedSegment(_ id: String, of dataSource: String) throws(LaminaError) -> DataSegment? {
        if let readable = try readable(dataSource) { return readable.segments.first { $0.id.text == id } }
        return try library.usedSegment(id, of: dataSource)
    }

    /// What a replacing task reads of its own datasource: all that was published at its cut, which is its lock or, before it, its
    /// first look.
    private func readable(_ dataSource: String) throws(LaminaError) -> SegmentTimeline? {
        guard dataSource == entry.status.dataSource, case .index(let spec) = entry.spec, !spec.appendsToExisting,
            readsItself
        else { return service.segments.snapshot(task: entry.status.id, dataSource: dataSource) }
        let id = entry.status.id
        if let snapshot = service.segments.snapshot(task: id, dataSource: dataSource) { return snapshot }
        try service.segments.prepareReplace(
            task: id,
            dataSource: dataSource,
            intervals: [.eternity],
            readsItself: true
        )
        try service.segments.beginReplace(task: id, dataSource: dataSource)
        return service.segments.snapshot(task: id, dataSource: dataSource)
    }

    func openSegment(_ segment: DataSegment) throws(LaminaError) -> Segment { try library.openSegment(segment) }

    func log(_ line: String) {
        let text = Array("\(instantText(service.clock())) \(line)\n".utf8)
        file.withLock { descriptor in
            // There is nowhere to say that the log cannot be written.
            if descriptor >= 0 { try? writeAll(descriptor, text, path: "task log") }
        }
    }

    func progress(_ progress: IndexProgress) {
        service.state.update { state in
            guard let index = state.active.firstIndex(where: { $0.status.id == entry.status.id }) else { return }
            state.active[index].progress = progress
        }
    }
}
