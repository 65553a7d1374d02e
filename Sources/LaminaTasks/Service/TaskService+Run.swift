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
            switch entry.spec {
            case .index(let spec): try run(spec, of: entry, work: work, host: host)
            case .compact(let spec): try run(spec, of: entry, work: work, host: host)
            case .kill(let spec):
                let payload = try kill(spec, work: work, host: host)
                let id = JSON.string(entry.status.id)
                let report: JSON = [
                    "killUnusedSegments": ["type": "killUnusedSegments", "taskId": id, "payload": .object(payload)]
                ]
                try writeFile(directory.report(task: entry.status.id), Array(report.text.utf8))
                host.log("Task \(entry.status.id) ended: SUCCESS")
                finish(entry, failed: nil)
            }
        } catch let failure as IndexJobFailure {
            let report = Self.report([(failure.reportPayload, effectiveContext(entry))], of: entry)
            do throws(LaminaError) {
                try writeFile(directory.report(task: entry.status.id), Array(report.text.utf8))
            } catch {
                host.log("Cannot write the task's report: \(error.message)")
            }
            fail(entry, host: host, message: failure.error.message)
        } catch let error as LaminaError {
            fail(entry, host: host, message: error.message)
        } catch {
            fail(entry, host: host, message: "\(error)")
        }
    }

    private func run(_ given: IndexTaskSpec, of entry: Entry, work: String, host: TaskHost) throws {
        let replay = try beginReplay(given, entry, host)
        let spec = replay?.spec ?? given
        let job = IndexJob(
            spec: spec,
            taskID: entry.status.id,
            workDirectory: work,
            inputRoot: options.inputRoot,
            lookups: options.lookups,
            connector: options.connector
        )
        let result = try job.run(host: host)
        var payload = result.reportPayload
        payload["segmentsPublished"] = .int(Int64(result.segments.count))
        let report = Self.report([(payload, spec.effectiveContext)], of: entry)
        if let replay { try awaitStream(replay, entry, host) }
        let published = try publish(result.segments, report: report, for: entry, work: work, host: host)
        host.log("Task \(entry.status.id) ended: SUCCESS, \(published) segments published")
        finish(entry, failed: nil)
    }

    private func run(_ spec: CompactTaskSpec, of entry: Entry, work: String, host: TaskHost) throws {
        let job = CompactJob(spec: spec, taskID: entry.status.id, workDirectory: work, lookups: options.lookups)
        let result = try job.run(host: host)
        let report = Self.report(result.reports.map { ($0.payload, $0.context) }, of: entry, isNumbered: true)
        let published = try publish(result.segments, report: report, for: entry, work: work, host: host)
        guard let reason = result.failures.first else {
            host.log("Task \(entry.status.id) ended: SUCCESS, \(published) segments published")
            finish(entry, failed: nil)
            return
        }
        let (total, failed) = (result.reports.count, result.failures.count)
        fail(
            entry,
            host: host,
            message: "Ran [\(total)] specs, [\(total - failed)] succeeded, [\(failed)] failed. First: \(reason)"
        )
    }

    private func effectiveContext(_ entry: Entry) -> JSONObject {
        if case .index(let spec) = entry.spec { return spec.effectiveContext }
        return entry.spec.context
    }

    private func fail(_ entry: Entry, host: TaskHost, message: String) {
        // Segments that were moved already must not stay where nothing refers to them.
        do throws(LaminaError) {
            _ = try storage.removeUnpublished(
                listedIn: "\(directory.work(task: entry.status.id))/\(DeepStorage.intentName)"
            )
        } catch {
            host.log("Cannot remove unpublished segments: \(error.message)")
        }
        let reason = state.read { $0.entry(entry.status.id)?.cancelReason } ?? message
        host.log("Task \(entry.status.id) ended: FAILED: \(reason)")
        finish(entry, failed: reason)
    }

    /// The report of a task's parts; their keys are numbered where a task may have several.
    private static func report(
        _ parts: [(payload: JSONObject, context: JSONObject)],
        of entry: Entry,
        isNumbered: Bool = false
    ) -> JSON {
        let id = JSON.string(entry.status.id)
        var report = JSONObject()
        for (number, part) in parts.enumerated() {
            for (name, payload) in [("ingestionStatsAndErrors", part.payload), ("taskContext", part.context)] {
                report[isNumbered ? "\(name)_\(number)" : name] = [
                    "type": .string(name), "taskId": id, "payload": .object(payload),
                ]
            }
        }
        return .object(report)
    }

    /// Ends a task: status stored, work files removed, locks released, the next ones started.
    func finish(_ entry: Entry, failed message: String?) {
        let id = entry.status.id
        let now = clock()
        do throws(LaminaError) {
            try segments.endReplace(task: id, dataSource: entry.status.dataSource)
        } catch {
            // What the store could not forget is dead, and forgotten at the next start.
            log("Cannot forget what the task allocated: \(error.message)", of: entry)
        }
        var status = entry.status
        status.state = message == nil ? .success : .failed
        status.runnerState = .none
        status.errorMessage = message
        status.duration = entry.startedAt.map { now - $0 } ?? 0
        do throws(LaminaError) {
            try store.setStatus(task: id, statusPayload: Array(status.storedJSON.text.utf8), active: false)
        } catch {
            return keepTrying(status, of: entry, error)
        }
        settled(entry, now: now)
    }

    private func log(_ line: String, of entry: Entry) { TaskHost(service: self, entry: entry).log(line) }

    /// A full disk: the task stays as it is until its end can be stored, or until the server stops. The next start would find it active
    /// and settle it by what was published: nothing is half-done.
    private func keepTrying(_ status: TaskStatus, of entry: Entry, _ first: LaminaError) {
        let host = TaskHost(service: self, entry: entry)
        let payload = Array(status.storedJSON.text.utf8)
        let loop: @Sendable () -> Void = { [self] in
            var pause: Int64 = 100
            var error = first
            while true {
                host.log("Cannot store that the task ended \(status.state.rawValue), trying again: \(error.message)")
                let stops = state.wait(milliseconds: pause) { $0.stopping ? true : nil }
                if stops == true { return }
                pause = min(pause * 2, 30_000)
                do throws(LaminaError) {
                    try store.setStatus(task: status.id, statusPayload: payload, active: false)
                    return settled(entry, now: clock())
                } catch let again {
                    error = again
                }
            }
        }
        do throws(LaminaError) {
            try WorkerThread(name: "task-end", loop).detach()
        } catch {
            loop()
        }
    }

    /// What follows once a task's end is stored.
    private func settled(_ entry: Entry, now: Int64) {
        let id = entry.status.id
        // Only now: a folder that outlives its task is cleaned at the next start, but without it an active task would be
        // taken for one that never began and run a second time.
        do throws(LaminaError) {
            try removeTree(directory.work(task: id))
        } catch {
            log("Cannot remove the work folder, the next start does: \(error.message)", of: entry)
        }
        let changes = state.update { state in
            state.active.removeAll { $0.status.id == id }
            state.storedLocks = state.storedLocks.filter { $0.key.taskID != id }
            return state.locks.release(id, now: now)
        }
        keep(changes)
        startWaiting()
    }

    /// Brings the store's locks in line with what the table changed.
    ///
    /// Its rows are for whoever looks at the tables: what counts is the table in memory, and every start deletes them. So a row that
    /// could not be written, or not be deleted, hinders nothing.
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
