import LaminaBase
import LaminaIngest

/// One epoch of a stream task, for the task API.
final class StreamTaskFace: SupervisedTask {
    private let task: StreamTask
    private let id: String

    init(_ task: StreamTask, _ id: String) {
        self.task = task
        self.id = id
    }

    var report: JSON { task.report(id) }

    func shutDown(reason: String) { task.discard(reason) }
}

extension StreamTask {
    /// What a status or statistics of the group are made of.
    struct Look: Sendable {
        var epochs: [StreamEpoch]
        var position: StreamPosition
        var counters: StreamCounters
        var isEnding: Bool
    }

    var look: Look {
        let (epochs, isEnding) = state.read { ($0.epochs, $0.ending != nil) }
        return Look(
            epochs: epochs,
            position: indexer.position,
            counters: indexer.counters,
            isEnding: isEnding
        )
    }

    /// The report of a task that runs or ends just now.
    ///
    /// - Source: Druid's `IngestionStatsAndErrors`.
    func report(_ id: String) -> JSON {
        let look = look
        let epoch = look.epochs.first { $0.id == id }
        let counters = epoch?.counters(look.counters) ?? look.counters
        let payload: JSON = [
            "ingestionState": epoch?.end == nil && !look.isEnding ? "BUILD_SEGMENTS" : "COMPLETED",
            "unparseableEvents": ["buildSegments": .array(indexer.parseErrors)],
            "rowStats": Self.json(counters), "errorMsg": nil, "segmentAvailabilityConfirmed": false,
            "segmentAvailabilityWaitTimeMs": 0,
            "thrownAwayByReason": counters.totals.reasons,
        ]
        return [
            "ingestionStatsAndErrors": ["type": "ingestionStatsAndErrors", "taskId": .string(id), "payload": payload]
        ]
    }

    /// As `/stats` shows a task.
    static func json(_ counters: StreamCounters) -> JSON {
        [
            "movingAverages": ["buildSegments": counters.movingAverages],
            "totals": ["buildSegments": counters.totals.json],
        ]
    }
}
