import LaminaBase
import LaminaIngest
import LaminaMetadata
import LaminaQuery

extension TaskService {
    /// The whole life of one task on its own thread.
    func run(_ entry: Entry) {
        let host = TaskHost(service: self, entry: entry)
        let work = directory.work(task: entry.status.id)
        do {
            try makeFolders(work)
            host.log("Task \(entry.status.id) starts")
            let job = IndexJob(
                spec: entry.spec,
                taskID: entry.status.id,
                workDirectory: work,
                inputRoot: options.inputRoot,
                lookups: options.lookups
            )
            let result = try job.run(host: host)
            var report = result.reportPayload
            report["segmentsPublished"] = .int(Int64(result.segments.count))
            let published = try publish(result.segments, report: report, for: entry, work: work, host: host)
            host.log("Task \(entry.status.id) ended: SUCCESS, \(published) segments published")
            finish(entry, failed: nil)
        } catch let failure as IndexJobFailure {
            try? writeReport(failure.reportPayload, of: entry, to: directory.report(task: entry.status.id))
            fail(entry, host: host, message: failure.error.message)
        } catch let error as LaminaError {
            fail(entry, host: host, message: error.message)
        } catch {
            fail(entry, host: host, message: "\(error)")
        }
    }

    private func fail(_ entry: Entry, host: TaskHost, message: String) {
        // Segments that were moved already must not stay where nothing refers to them.
        do throws(LaminaError) {
            _ = try removeUnpublished(listedIn: "\(directory.work(task: entry.status.id))/\(Self.intentName)")
        } catch {
            host.log("Cannot remove unpublished segments: \(error.message)")
        }
        let reason = state.read { $0.entry(entry.status.id)?.cancelReason } ?? message
        host.log("Task \(entry.status.id) ended: FAILED: \(reason)")
        finish(entry, failed: reason)
    }

    func writeReport(_ payload: JSONObject, of entry: Entry, to path: String) throws(LaminaError) {
        let id = JSON.string(entry.status.id)
        let report: JSON = [
            "ingestionStatsAndErrors": ["type": "ingestionStatsAndErrors", "taskId": id, "payload": .object(payload)],
            "taskContext": ["type": "taskContext", "taskId": id, "payload": .object(entry.spec.effectiveContext)],
        ]
        try writeFile(path, Array(report.text.utf8))
    }

    /// Ends a task: status stored, work files removed, locks released, the next ones started.
    func finish(_ entry: Entry, failed message: String?) {
        let id = entry.status.id
        let now = clock()
        var status = entry.status
        status.state = message == nil ? .success : .failed
        status.runnerState = .none
        status.errorMessage = message
        status.duration = entry.startedAt.map { now - $0 } ?? 0
        // Were this write to fail, the next start would find the task active and mark it FAILED: nothing is half-done.
        try? store.setStatus(task: id, statusPayload: Array(status.storedJSON.text.utf8), active: false)
        // Only now: a folder that outlives its task is cleaned at the next start, but without it an active task would be
        // taken for one that never began and run a second time.
        try? removeTree(directory.work(task: id))
        let changes = state.update { state in
            state.active.removeAll { $0.status.id == id }
            state.storedLocks = state.storedLocks.filter { $0.key.taskID != id }
            return state.locks.release(id, now: now)
        }
        keep(changes)
        startWaiting()
    }

    /// Brings the store's locks in line with what the table changed.
    func keep(_ changes: LockTable.Changes) {
        for lock in changes.granted {
            guard state.read({ $0.storedLocks[lock] }) == nil else { continue }
            guard let row = try? store.insertLock(task: lock.taskID, payload: Array(lock.json.text.utf8)) else {
                continue
            }
            state.update { $0.storedLocks[lock] = row }
        }
        for lock in changes.revoked {
            var granted = lock
            granted.revoked = false
            if let row = state.update({ $0.storedLocks.removeValue(forKey: granted) }) {
                try? store.deleteLock(rowID: row)
            }
        }
    }
}
