package import LaminaBase
package import LaminaIngest

/// A task of any kind that Lamina runs, as submitted.
package enum TaskSpec: Sendable {
    case index(IndexTaskSpec)
    case compact(CompactTaskSpec)
    case kill(KillTaskSpec)

    /// Refuses what Druid refuses at submission; the message names the JSON path.
    package init(json: JSON) throws(LaminaError) {
        switch json["type"]?.stringValue {
        case "compact": self = .compact(try CompactTaskSpec(json: json))
        case "kill": self = .kill(try KillTaskSpec(json: json))
        default: self = .index(try IndexTaskSpec(json: json))
        }
    }

    var type: String {
        switch self {
        case .index(let spec): spec.type
        case .compact: "compact"
        case .kill: "kill"
        }
    }

    var id: String? {
        switch self {
        case .index(let spec): spec.id
        case .compact(let spec): spec.id
        case .kill(let spec): spec.id
        }
    }

    var groupID: String? {
        switch self {
        case .index(let spec): spec.groupID
        case .compact(let spec): spec.groupID
        case .kill: nil
        }
    }

    var dataSource: String {
        switch self {
        case .index(let spec): spec.dataSource
        case .compact(let spec): spec.dataSource
        case .kill(let spec): spec.dataSource
        }
    }

    var context: JSONObject {
        switch self {
        case .index(let spec): spec.context
        case .compact(let spec): spec.context
        case .kill(let spec): spec.context
        }
    }

    /// Of its locks; higher takes from lower (druid-surface 10.7).
    var priority: Int {
        switch self {
        case .index(let spec): spec.priority
        case .compact(let spec): spec.priority
        case .kill(let spec): spec.context["priority"]?.intValue.map { Int(clamping: $0) } ?? 0
        }
    }

    /// `index_parallel_wikipedia_abcdefgh_2024-01-01T00:00:00.000Z`, as Druid's `IdUtils` makes them.
    package func generatedID(now: Int64) -> String {
        let letters = Array("abcdefghijklmnop")
        let random = String((0..<8).map { _ in letters.randomElement() ?? "a" })
        var parts = [type, dataSource, random]
        if case .kill(let spec) = self { parts += [instantText(spec.interval.start), instantText(spec.interval.end)] }
        return (parts + [instantText(now)]).joined(separator: "_")
    }
}
