import Glibc
import LaminaBase
import LaminaIngest
import LaminaMetadata

extension TaskService {
    /// In a task's work folder: its report.
    static let reportName = "report.json"

    /// Puts built segments into deep storage and makes them visible in one metadata transaction.
    ///
    /// The report waits beside the list of what is moved, so that a task which died just after its transaction is known as the success
    /// that it was.
    /// - Returns: how many segments were published.
    func publish(
        _ built: [(segment: DataSegment, folder: String?)],
        report: JSON,
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
        try writeFile("\(work)/\(Self.reportName)", Array(report.text.utf8))
        let segments = try store(built, by: .task(id), work: work)
        // The segments are visible: a report that cannot be kept must not make a failure of this.
        do throws(LaminaError) {
            try keepReport(of: id, work: work)
        } catch {
            host.log("The report is lost: \(error.message)")
        }
        for segment in segments { host.log("Published \(segment.id)") }
        return segments.count
    }

    /// Moves built folders into deep storage and publishes their segments.
    func store(
        _ built: [(segment: DataSegment, folder: String?)],
        by publisher: Publisher,
        work: String
    ) throws(LaminaError) -> [DataSegment] {
        let moved = try storage.moveIn(built, work: work)
        return moved.isEmpty ? [] : try segments.publish(moved, by: publisher)
    }

    /// Moves a report from the work folder to where it is asked for; without one nothing happens.
    private func keepReport(of id: String, work: String) throws(LaminaError) {
        let target = directory.report(task: id)
        guard rename("\(work)/\(Self.reportName)", target) == 0 || errno == ENOENT else {
            throw .io("keep the report", path: target, errno: errno)
        }
        try syncFolder(directory.tasks)
    }

    /// What the last process left behind: running tasks become FAILED, their unpublished segments and work files go; those
    /// whose segments were published are a SUCCESS; tasks that never began are queued again.
    func recover() throws(LaminaError) {
        var interrupted: [String: Bool] = [:]
        for name in try folderEntries(directory.work) {
            let folder = "\(directory.work)/\(name)"
            interrupted[folder] = try storage.removeUnpublished(listedIn: "\(folder)/\(DeepStorage.intentName)")
            _ = try storage.removeUnpublished(listedIn: "\(folder)/\(Self.killName)")
        }
        try segments.forgetDeadAllocations()
        for lock in try store.locks() { try store.deleteLock(rowID: lock.rowID) }
        for record in try store.tasks(active: true).reversed() where !Self.streamTypes.contains(record.type) {
            let folder = directory.work(task: record.id)
            if let wasPublished = interrupted[folder] {
                if wasPublished { try keepReport(of: record.id, work: folder) }
                try settle(record, because: wasPublished ? nil : Self.interruption)
            } else {
                try queueAgain(record)
            }
        }
        // Last, so that a crash in here finds everything again.
        for folder in interrupted.keys { try removeTree(folder) }
        for name in try folderEntries(directory.tasks) where name.hasSuffix(".tmp") {
            try removeTree("\(directory.tasks)/\(name)")
        }
        startWaiting()
    }

    /// A task that never began.
    private func queueAgain(_ record: TaskRecord) throws(LaminaError) {
        let spec: TaskSpec
        do throws(LaminaError) {
            spec = try TaskSpec(json: try JSONParser.parse(record.payload))
        } catch {
            return try settle(record, because: "The task as it is stored cannot be run: \(error.message)")
        }
        var status = Self.status(of: record, options: options)
        status.runnerState = .pending
        let entry = Entry(status: status, spec: spec)
        state.update { $0.active.append(entry) }
    }

    private static let interruption =
        "The server stopped while the task was running; nothing of it was published. Submit it again."

    /// Ends a task of the last process: a success without a reason.
    func settle(_ record: TaskRecord, because reason: String?) throws(LaminaError) {
        var status = Self.status(of: record, options: options)
        status.state = reason == nil ? .success : .failed
        // A time that somebody else wrote otherwise: its length is not known.
        status.duration = (try? parseInstant(record.createdDate)).map { max(0, clock() - $0) } ?? 0
        status.errorMessage = reason
        try store.setStatus(task: record.id, statusPayload: Array(status.storedJSON.text.utf8), active: false)
    }
}
