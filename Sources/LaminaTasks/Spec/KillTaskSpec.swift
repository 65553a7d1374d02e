package import LaminaBase
import LaminaIngest

/// A `kill` task as submitted: unused segments inside an interval are to be forgotten, their files removed.
///
/// - Source: Druid's `KillUnusedSegmentsTask`; druid-surface 10.10.
package struct KillTaskSpec: Sendable {
    package var id: String?
    package var dataSource: String
    package var interval: Interval
    package var context: JSONObject
    /// nil: segments of any version.
    package var versions: Set<String>?
    /// How many segments are forgotten in one transaction.
    package var batchSize: Int
    /// nil: all there are.
    package var limit: Int?
    /// Only segments that have been unused since then, or longer.
    package var maxUsedStatusLastUpdated: Int64?

    package init(json: JSON) throws(LaminaError) {
        let root = SpecNode(json, path: "")
        id = try root.optionalString("id")
        dataSource = try root.required("dataSource").string()
        context = try root.child("context")?.object() ?? JSONObject()
        let range = try root.required("interval")
        do throws(LaminaError) {
            interval = try Interval(parsing: range.string())
        } catch {
            throw range.error("is no interval: \(error.message)")
        }
        versions = nil
        if root.child("versions") != nil { versions = Set(try root.strings("versions")) }
        batchSize = try Self.positive(root, "batchSize") ?? 100
        limit = try Self.positive(root, "limit")
        if let latest = root.child("maxUsedStatusLastUpdatedTime") {
            if case .int(let instant) = latest.json {
                maxUsedStatusLastUpdated = instant
            } else {
                maxUsedStatusLastUpdated = try parseInstant(latest.string())
            }
        }
    }

    private static func positive(_ root: SpecNode, _ key: String) throws(LaminaError) -> Int? {
        guard let number = try root.optionalInt(key) else { return nil }
        guard number > 0 else {
            throw .invalidInput("\(key)[\(number)] must be a positive integer.", context: ["path": key])
        }
        return Int(clamping: number)
    }

    /// The task as JSON: what the coordinator's route submits.
    package static func json(_ id: String?, _ dataSource: String, _ interval: Interval) -> JSON {
        [
            "type": "kill", "id": id.map { .string($0) } ?? .null, "dataSource": .string(dataSource),
            "interval": .string(interval.text),
        ]
    }
}
