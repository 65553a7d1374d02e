import LaminaBase
import LaminaMetadata
import LaminaTasks

/// A task as a data directory remembers it, looked at without running anything.
struct StoredTask: FollowedTask {
    var path: String
    var id: String

    func status() throws(LaminaError) -> JSON {
        let (_, store) = try StoredTask.opened(path)
        guard let record = try store.task(id: id) else { throw .notThere("There is no task '\(id)' in \(path)") }
        return StoredTask.status(of: record)
    }

    func report() throws(LaminaError) -> JSON {
        let (directory, _) = try StoredTask.opened(path)
        guard let bytes = try readFile(directory.report(task: id)) else { return .null }
        return try JSONParser.parse(bytes)
    }

    func log() throws(LaminaError) -> [UInt8] {
        let (directory, _) = try StoredTask.opened(path)
        guard let bytes = try readFile(directory.log(task: id)) else {
            throw .notThere("There is no log of task '\(id)' in \(path)")
        }
        return bytes
    }

    /// All tasks, newest first.
    static func all(in path: String) throws(LaminaError) -> [JSON] { try opened(path).store.tasks().map(status) }

    private static func opened(_ path: String) throws(LaminaError) -> (directory: DataDirectory, store: MetadataStore) {
        guard fileExists(path) else { throw .notThere("There is no data directory '\(path)'") }
        let directory = try DataDirectory(path, creating: false)
        guard fileExists(directory.metadata) else {
            throw .notThere("'\(path)' is no data directory of Lamina: it has no metadata.db")
        }
        return (directory, try MetadataStore(path: directory.metadata, readOnly: true))
    }

    private static func status(of record: TaskRecord) -> JSON {
        let stored = (try? JSONParser.parse(record.statusPayload)) ?? .null
        return [
            "id": .string(record.id), "groupId": .string(record.groupID), "type": .string(record.type),
            "createdTime": .string(record.createdDate), "status": stored["status"] ?? .null,
            "runnerStatusCode": record.active ? "RUNNING" : "NONE", "duration": stored["duration"] ?? .null,
            "dataSource": .string(record.dataSource), "errorMsg": stored["errorMsg"] ?? .null,
        ]
    }
}
