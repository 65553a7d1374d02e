import Glibc
import LaminaBase
import LaminaIngest
import LaminaMetadata

extension TaskService {
    /// Puts built segments into deep storage and makes them visible in one metadata transaction.
    ///
    /// The intent file lists every folder before it is moved, so that after a crash between move and transaction the next start
    /// finds and removes what nothing refers to.
    /// - Returns: how many segments were published.
    func publish(
        _ built: [(segment: DataSegment, folder: String?)],
        for entry: Entry,
        work: String,
        host: TaskHost
    ) throws(LaminaError) -> Int {
        let id = entry.status.id
        guard state.update({ $0.locks.beginPublishing(id) }) else {
            throw LaminaError(
                .conflict,
                code: "lockRevoked",
                "A lock of task \(id) was revoked by a task of higher priority"
            )
        }
        defer {
            let now = clock()
            keep(state.update { $0.locks.endPublishing(id, now: now) })
        }
        guard !host.isCancelled else { throw LaminaError(.canceled, code: "canceled", "Task \(id) was cancelled") }
        let segments = try store(built, work: work)
        for segment in segments { host.log("Published \(segment.id)") }
        return segments.count
    }

    /// Moves built folders into deep storage and publishes their segments.
    func store(
        _ built: [(segment: DataSegment, folder: String?)],
        work: String
    ) throws(LaminaError) -> [DataSegment] {
        var segments: [DataSegment] = []
        for item in built {
            var segment = item.segment
            if let folder = item.folder {
                segment.loadSpec = ["type": "local", "path": .string(directory.relativePath(of: segment))]
                segment.size = try folderBytes(folder)
            }
            segments.append(segment)
        }
        let intent = JSON.array(
            segments.map { ["id": .string($0.id.description), "path": $0.loadSpec["path"] ?? .null] }
        )
        try writeFile("\(work)/publish.json", Array(intent.text.utf8))
        for (item, segment) in zip(built, segments) {
            if let folder = item.folder, let target = directory.path(of: segment) { try move(folder, to: target) }
        }
        try segments.isEmpty ? () : self.segments.publish(segments)
        return segments
    }

    private func move(_ folder: String, to target: String) throws(LaminaError) {
        let parent = String(target[..<(target.lastIndex(of: "/") ?? target.endIndex)])
        try makeFolders(parent)
        guard rename(folder, target) == 0 else { throw .io("move a segment to", path: target, errno: errno) }
        // The chain of new folders must be durable before the transaction refers to it.
        var path = parent
        while path.count >= directory.segments.count {
            try syncFolder(path)
            guard let slash = path.lastIndex(of: "/") else { break }
            path = String(path[..<slash])
        }
    }

    /// What the last process left behind: running tasks become FAILED, their unpublished segments and work files go; tasks that
    /// never began are queued again.
    func recover() throws(LaminaError) {
        var interrupted: Set<String> = []
        for name in try folderEntries(directory.work) {
            let folder = "\(directory.work)/\(name)"
            try removeUnpublished(listedIn: "\(folder)/publish.json")
            try removeTree(folder)
            interrupted.insert(folder)
        }
        for lock in try store.locks() { try store.deleteLock(rowID: lock.rowID) }
        for record in try store.tasks(active: true).reversed() {
            var status = Self.status(of: record, options: options)
            let wasRunning = interrupted.contains(directory.work(task: record.id))
            if !wasRunning, let json = try? JSONParser.parse(record.payload), let spec = try? IndexTaskSpec(json: json)
            {
                status.runnerState = .pending
                let entry = Entry(status: status, spec: spec)
                state.update { $0.active.append(entry) }
                continue
            }
            status.state = .failed
            status.errorMessage =
                "The server stopped while the task was running; nothing of it was published. Submit it again."
            try store.setStatus(task: record.id, statusPayload: Array(status.storedJSON.text.utf8), active: false)
        }
        startWaiting()
    }

    private func removeUnpublished(listedIn path: String) throws(LaminaError) {
        guard let bytes = try readFile(path), let list = try? JSONParser.parse(bytes).arrayValue else { return }
        for item in list {
            guard let id = item["id"]?.stringValue, let relative = item["path"]?.stringValue else { continue }
            if try store.segment(id: id) != nil { continue }
            try removeTree("\(directory.root)/\(relative)")
            try directory.removeEmptyParents(of: relative)
        }
    }
}
