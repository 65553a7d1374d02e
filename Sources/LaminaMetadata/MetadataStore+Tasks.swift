package import LaminaBase

/// One row of `druid_tasks`.
package struct TaskRecord: Sendable, Hashable {
    package var id: String
    package var createdDate: String
    package var dataSource: String
    /// The task as submitted, id filled in: JSON.
    package var payload: [UInt8]
    /// Druid's `TaskStatus` as JSON.
    package var statusPayload: [UInt8]
    package var active: Bool
    package var type: String
    package var groupID: String

    package init(
        id: String,
        createdDate: String,
        dataSource: String,
        payload: [UInt8],
        statusPayload: [UInt8],
        active: Bool,
        type: String,
        groupID: String
    ) {
        self.id = id
        self.createdDate = createdDate
        self.dataSource = dataSource
        self.payload = payload
        self.statusPayload = statusPayload
        self.active = active
        self.type = type
        self.groupID = groupID
    }
}

/// One row of `druid_tasklocks`.
package struct TaskLockRecord: Sendable, Hashable {
    package var rowID: Int64
    package var taskID: String
    package var payload: [UInt8]
}

extension MetadataStore {
    private static let taskColumns = "id, created_date, datasource, payload, status_payload, active, type, group_id"

    private static func task(_ row: [SQLValue]) -> TaskRecord {
        TaskRecord(
            id: row[0].text ?? "",
            createdDate: row[1].text ?? "",
            dataSource: row[2].text ?? "",
            payload: Array((row[3].text ?? "").utf8),
            statusPayload: Array((row[4].text ?? "").utf8),
            active: row[5].int == 1,
            type: row[6].text ?? "",
            groupID: row[7].text ?? ""
        )
    }

    /// Adds a task; an id that is taken is an `invalidInput` error.
    package func insert(_ task: TaskRecord) throws(LaminaError) {
        try access { database throws(LaminaError) in
            try database.run(
                "INSERT OR IGNORE INTO druid_tasks (\(Self.taskColumns)) VALUES (?,?,?,?,?,?,?,?)",
                [
                    .text(task.id), .text(task.createdDate), .text(task.dataSource), .blob(task.payload),
                    .blob(task.statusPayload), SQLValue(task.active), .text(task.type), .text(task.groupID),
                ]
            )
            guard database.changes == 1 else {
                throw LaminaError.invalidInput("Task [\(task.id)] already exists", context: ["task": task.id])
            }
        }
    }

    /// Stores a task's new status; with `active` false its locks go in the same transaction.
    package func setStatus(task id: String, statusPayload: [UInt8], active: Bool) throws(LaminaError) {
        try transaction { database throws(LaminaError) in
            try database.run(
                "UPDATE druid_tasks SET status_payload = ?, active = ? WHERE id = ?",
                [.blob(statusPayload), SQLValue(active), .text(id)]
            )
            if !active { try database.run("DELETE FROM druid_tasklocks WHERE task_id = ?", [.text(id)]) }
        }
    }

    package func task(id: String) throws(LaminaError) -> TaskRecord? {
        let rows = try access { database throws(LaminaError) in
            try database.run("SELECT \(Self.taskColumns) FROM druid_tasks WHERE id = ?", [.text(id)])
        }
        return rows.first.map(Self.task)
    }

    /// Tasks, newest first; by activity when asked for.
    package func tasks(active: Bool? = nil, limit: Int? = nil) throws(LaminaError) -> [TaskRecord] {
        var sql = "SELECT \(Self.taskColumns) FROM druid_tasks"
        var values: [SQLValue] = []
        if let active {
            sql += " WHERE active = ?"
            values.append(SQLValue(active))
        }
        sql += " ORDER BY created_date DESC, rowid DESC"
        if let limit {
            sql += " LIMIT ?"
            values.append(.int(Int64(limit)))
        }
        let text = sql
        let bound = values
        let rows = try access { database throws(LaminaError) in try database.run(text, bound) }
        return rows.map(Self.task)
    }

    /// Adds a lock; returns its row id.
    package func insertLock(task id: String, payload: [UInt8]) throws(LaminaError) -> Int64 {
        let rows = try access { database throws(LaminaError) in
            try database.run(
                "INSERT INTO druid_tasklocks (task_id, lock_payload) VALUES (?,?) RETURNING id",
                [.text(id), .blob(payload)]
            )
        }
        return rows.first?.first?.int ?? 0
    }

    package func deleteLock(rowID: Int64) throws(LaminaError) {
        try access { database throws(LaminaError) in
            try database.run("DELETE FROM druid_tasklocks WHERE id = ?", [.int(rowID)])
            return ()
        }
    }

    package func locks() throws(LaminaError) -> [TaskLockRecord] {
        let rows = try access { database throws(LaminaError) in
            try database.run("SELECT id, task_id, lock_payload FROM druid_tasklocks ORDER BY id")
        }
        return rows.map {
            TaskLockRecord(rowID: $0[0].int ?? 0, taskID: $0[1].text ?? "", payload: Array(($0[2].text ?? "").utf8))
        }
    }
}
