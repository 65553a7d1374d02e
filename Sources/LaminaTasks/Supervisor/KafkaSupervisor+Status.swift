package import LaminaBase
import LaminaIngest

/// What the supervisor API shows.
///
/// - Source: Druid's `SeekableStreamSupervisorReportPayload`, `KafkaSupervisorReportPayload`, `TaskReportData`; gold `streaming.jsonl`.
extension KafkaSupervisor {
    package var state: SupervisorState { shown.read { $0.machine.state } }

    private var looks: [(group: Int, look: StreamTask.Look)] {
        allTasks.sorted { $0.group < $1.group }.map { ($0.group, $0.look) }
    }

    package func status() -> JSON {
        let now = shared.clock()
        let (machine, latest, latestAt) = shown.read { ($0.machine, $0.latest, $0.latestAt) }
        var active: [JSON] = []
        var publishing: [JSON] = []
        var reached: StreamPosition = [:]
        for (_, look) in looks {
            for epoch in look.epochs {
                let isActive = epoch.end == nil && !look.isEnding
                if isActive {
                    active.append(activeJSON(epoch, look.position, latest: latestAt == nil ? nil : latest, at: now))
                    reached.merge(look.position) { _, new in new }
                } else {
                    publishing.append(publishingJSON(epoch, at: now))
                }
            }
        }
        let known = latestAt != nil
        // Without tasks it is what is committed that lags.
        if reached.isEmpty { reached = ((try? shared.commits.committed()) ?? nil) ?? [:] }
        let lag = known ? Self.lag(latest, reached) : [:]
        var payload: JSONObject = [
            "dataSource": .string(spec.dataSource), "stream": .string(config.topic),
            "partitions": .int(Int64(machine.partitions.count)), "replicas": .int(Int64(config.replicas)),
            "durationSeconds": .int(config.taskDuration / 1000), "activeTasks": .array(active),
            "publishingTasks": .array(publishing),
        ]
        if known { payload["latestOffsets"] = shared.json(latest) }
        payload["minimumLag"] = shared.json(lag)
        payload["aggregateLag"] = .int(lag.values.reduce(0, +))
        if let latestAt { payload["offsetsLastUpdated"] = .string(instantText(latestAt)) }
        payload["suspended"] = .bool(spec.isSuspended)
        payload["healthy"] = .bool(machine.state.isHealthy)
        payload["state"] = .string(machine.state.basic.rawValue)
        payload["detailedState"] = .string(machine.state.rawValue)
        payload["recentErrors"] = .array(machine.health.recentErrors.map(\.json))
        return .object(payload)
    }

    private func activeJSON(
        _ epoch: StreamEpoch,
        _ position: StreamPosition,
        latest: StreamPosition?,
        at now: Int64
    ) -> JSON {
        let left = max(0, (epoch.createdAt + config.taskDuration - now) / 1000)
        return [
            "id": .string(epoch.id), "startingOffsets": shared.json(epoch.start),
            "startTime": .string(instantText(epoch.createdAt)), "remainingSeconds": .int(left), "type": "ACTIVE",
            "currentOffsets": shared.json(position),
            "lag": shared.json(latest.map { Self.lag($0.filter { position[$0.key] != nil }, position) } ?? [:]),
        ]
    }

    private func publishingJSON(_ epoch: StreamEpoch, at now: Int64) -> JSON {
        let since = epoch.endedAt ?? now
        return [
            "id": .string(epoch.id), "startingOffsets": shared.json(epoch.start), "startTime": nil,
            "remainingSeconds": .int(max(0, (since + config.completionTimeout - now) / 1000)), "type": "PUBLISHING",
            "currentOffsets": shared.json(epoch.end ?? [:]),
        ]
    }

    private static func lag(_ latest: StreamPosition, _ reached: StreamPosition) -> StreamPosition {
        StreamPosition(
            uniqueKeysWithValues: latest.map { entry in (entry.key, max(0, entry.value - (reached[entry.key] ?? 0))) }
        )
    }

    package func stats() -> JSON {
        var groups = JSONObject()
        for (group, look) in looks {
            var tasks = groups["\(group)"]?.objectValue ?? JSONObject()
            for epoch in look.epochs { tasks[epoch.id] = StreamTask.json(epoch.counters(look.counters)) }
            if !tasks.isEmpty { groups["\(group)"] = .object(tasks) }
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
