import LaminaBase
import LaminaMetadata

/// The datasource whose rules stand for all that have none of their own.
private let defaultRules = "_default"

private let loadForever: JSON = [
    "tieredReplicants": ["_default_tier": 2], "useDefaultTierForNull": true, "type": "loadForever",
]

extension Services {
    /// Retention rules are kept and shown; nothing drops segments by them yet (druid-surface 10.11).
    func ruleRoutes() -> [Route] {
        let metadata = metadata
        let clock = clock
        let prefix = "/druid/coordinator/v1/rules"
        return [
            Route("GET", prefix) { _, _ throws(LaminaError) in
                var answer = JSONObject([(defaultRules, try rules(of: defaultRules, metadata))])
                for name in try metadata.rules().keys.sorted() where name != defaultRules {
                    answer[name] = try rules(of: name, metadata)
                }
                return .json(.object(answer))
            },
            Route("GET", "\(prefix)/history") { request, _ throws(LaminaError) in
                try history(of: nil, request, metadata)
            },
            Route("GET", "\(prefix)/{ds}/history") { request, parameters throws(LaminaError) in
                try history(of: parameters[0], request, metadata)
            },
            Route("GET", "\(prefix)/{ds}") { request, parameters throws(LaminaError) in
                let own = try rules(of: parameters[0], metadata)
                guard request.has("full"), parameters[0] != defaultRules else { return .json(own) }
                let fallback = try rules(of: defaultRules, metadata)
                return .json(.array((own.arrayValue ?? []) + (fallback.arrayValue ?? [])))
            },
            Route("POST", "\(prefix)/{ds}") { request, parameters throws(LaminaError) in
                do throws(LaminaError) {
                    let checked = try checkedRules(try request.json())
                    let payload = Array(checked.text.utf8)
                    let audit = AuditRecord(
                        key: parameters[0],
                        type: "rules",
                        author: request.headers["x-druid-author"] ?? "",
                        comment: request.headers["x-druid-comment"] ?? "",
                        createdDate: instantText(clock()),
                        payload: payload
                    )
                    try metadata.setRules(dataSource: parameters[0], payload: payload, audit: audit)
                    return .empty(200)
                } catch {
                    return plainErrorResponse(error)
                }
            },
        ]
    }
}

private func rules(of dataSource: String, _ metadata: MetadataStore) throws(LaminaError) -> JSON {
    if let stored = try metadata.rules()[dataSource] { return try JSONParser.parse(stored) }
    return dataSource == defaultRules ? [loadForever] : []
}

private func history(of dataSource: String?, _ request: HTTPRequest, _ metadata: MetadataStore) throws(LaminaError)
    -> HTTPResponse
{
    let limit = request.query("count").flatMap(Int.init) ?? 25
    let interval = try request.query("interval").map { text throws(LaminaError) in try Interval(parsing: text) }
    var answer: [JSON] = []
    for record in try metadata.audit(type: "rules", key: dataSource, limit: max(0, limit)) {
        if let interval, let time = try? parseInstant(record.createdDate), !interval.contains(time) { continue }
        answer.append([
            "key": .string(record.key), "type": .string(record.type),
            "auditInfo": ["author": .string(record.author), "comment": .string(record.comment), "ip": ""],
            "payload": .string(String(decoding: record.payload, as: UTF8.self)),
            "auditTime": .string(record.createdDate),
        ])
    }
    return .json(.array(answer))
}

/// The rules with the defaults of their fields written out, as Druid gives them back.
private func checkedRules(_ json: JSON) throws(LaminaError) -> JSON {
    guard let list = json.arrayValue else { throw .invalidInput("A list of rules is expected") }
    var checked: [JSON] = []
    for rule in list { checked.append(try checkedRule(rule)) }
    return .array(checked)
}

private func checkedRule(_ rule: JSON) throws(LaminaError) -> JSON {
    let types = [
        "broadcastByInterval", "broadcastByPeriod", "broadcastForever", "dropBeforeByPeriod", "dropByInterval",
        "dropByPeriod",
        "dropForever", "loadByInterval", "loadByPeriod", "loadForever",
    ]
    guard let type = rule["type"]?.stringValue else { throw .invalidInput("A rule's property 'type' is missing") }
    guard types.contains(type) else {
        throw .invalidInput("Rule type '\(type)' is not known; known are \(types.joined(separator: ", "))")
    }
    var checked = JSONObject()
    if type.hasSuffix("ByInterval") {
        guard let text = rule["interval"]?.stringValue else {
            throw .invalidInput("Rule \(type): 'interval' is missing")
        }
        checked["interval"] = .string(try Interval(parsing: text).text)
    } else if type.hasSuffix("ByPeriod") {
        guard let text = rule["period"]?.stringValue else { throw .invalidInput("Rule \(type): 'period' is missing") }
        checked["period"] = .string(try ISOPeriod(parsing: text).text)
        if type != "dropBeforeByPeriod" { checked["includeFuture"] = .bool(rule["includeFuture"]?.boolValue ?? true) }
    }
    if type.hasPrefix("load") {
        for tier in rule["tieredReplicants"]?.objectValue?.entries ?? [] where (tier.value.intValue ?? -1) < 0 {
            throw .invalidInput("Rule \(type): the replicants of tier [\(tier.key)] must be a whole number from 0 on")
        }
        checked["tieredReplicants"] = rule["tieredReplicants"] ?? ["_default_tier": 2]
        checked["useDefaultTierForNull"] = .bool(rule["useDefaultTierForNull"]?.boolValue ?? true)
    }
    checked["type"] = .string(type)
    return .object(checked)
}
