package import LaminaBase
import LaminaIngest

/// What the supervisor API shows.
///
/// - Source: Druid's `SeekableStreamSupervisorReportPayload`, `KafkaSupervisorReportPayload`, `TaskReportData`; gold `streaming.jsonl`.
extension KafkaSupervisor {
    package var state: SupervisorState { shown.read { $0.machine.state } }

    package func status() -> JSON {
        let now = shared.clock()
        let (machine, latest, latestAt) = shown.read { ($0.machine, $0.latest, $0.latestAt) }
        var active: [JSON] = []
        var publishing: [JSON] = []
        var reached: StreamPosition = [:]
        let known = latestAt != nil
        let commits = shared.commits
        for task in allTasks.sorted(by: { $0.group < $1.group }) {
            let (isEnding, position) = (task.isEnding, task.position)
            for epoch in task.epochs.all {
                guard epoch.end == nil, !isEnding else {
                    publishing.append(epoch.publishingJSON(timeout: config.completionTimeout, at: now, commits))
                    continue
                }
                let own = known ? latest.filter { position[$0.key] != nil } : [:]
                active.append(
                    epoch.activeJSON(
                        position,
                        lag: Self.lag(own, position),
                        duration: config.taskDuration,
                        at: now,
                        commits
                    )
                )
                reached.merge(position) { _, new in new }
            }
        }
        // Without tasks it is what is committed that lags.
        var errors = machine.health.recentErrors
        if reached.isEmpty {
            do throws(LaminaError) {
                reached = try commits.committed() ?? [:]
            } catch {
                errors.append(SupervisorError(error, at: now))
            }
        }
        let lag = known ? Self.lag(latest, reached) : [:]
        var payload: JSONObject = [
            "dataSource": .string(spec.dataSource), "stream": .string(config.topic),
            "partitions": .int(Int64(machine.partitions.count)), "replicas": .int(Int64(config.replicas)),
            "durationSeconds": .int(config.taskDuration / 1000), "activeTasks": .array(active),
            "publishingTasks": .array(publishing),
        ]
        if known { payload["latestOffsets"] = commits.json(latest) }
        payload["minimumLag"] = commits.json(lag)
        payload["aggregateLag"] = .int(lag.values.reduce(0, +))
        if let latestAt { payload["offsetsLastUpdated"] = .string(instantText(latestAt)) }
        payload["suspended"] = .bool(spec.isSuspended)
        payload["healthy"] = .bool(machine.state.isHealthy)
        payload["state"] = .string(machine.state.basic.rawValue)
        payload["detailedState"] = .string(machine.state.rawValue)
        payload["recentErrors"] = .array(errors.map(\.json))
        return .object(payload)
    }

    private static func lag(_ latest: StreamPosition, _ reached: StreamPosition) -> StreamPosition {
        StreamPosition(
            uniqueKeysWithValues: latest.map { entry in (entry.key, max(0, entry.value - (reached[entry.key] ?? 0))) }
        )
    }

    package func stats() -> JSON {
        var groups = JSONObject()
        for task in allTasks.sorted(by: { $0.group < $1.group }) {
            var tasks = groups["\(task.group)"]?.objectValue ?? JSONObject()
            for (id, stats) in task.epochs.stats(task.counters).entries { tasks[id] = stats }
            if !tasks.isEmpty { groups["\(task.group)"] = .object(tasks) }
        }
        return .object(groups)
    }

    package func parseErrors() -> JSON {
        let most = spec.stream.limits.maxSavedParseExceptions
        let all = allTasks.flatMap(\.indexer.parseErrors)
        let newest = all.sorted { left, right in
            (left["timeOfExceptionMillis"]?.intValue ?? 0) > (right["timeOfExceptionMillis"]?.intValue ?? 0)
        }
        return .array(Array(newest.prefix(most)))
    }
}
