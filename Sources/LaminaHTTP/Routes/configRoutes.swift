import LaminaBase
import LaminaMetadata

private let dynamicConfigName = "coordinator.config"

extension Services {
    /// The coordinator's dynamic configuration, kept as posted, and its compaction configuration, which is empty.
    func configRoutes() -> [Route] {
        let metadata = metadata
        let clock = clock
        let prefix = "/druid/coordinator/v1"
        return [
            Route("GET", "\(prefix)/config") { _, _ throws(LaminaError) in
                guard let stored = try metadata.config(dynamicConfigName) else { return .json([:]) }
                return .json(try JSONParser.parse(stored))
            },
            Route("POST", "\(prefix)/config") { request, _ throws(LaminaError) in
                let body = try request.json()
                guard body.objectValue != nil else {
                    throw .invalidInput("The dynamic configuration must be an object")
                }
                let payload = Array(body.text.utf8)
                try metadata.setConfig(dynamicConfigName, payload)
                try metadata.insert(
                    AuditRecord(
                        key: dynamicConfigName,
                        type: dynamicConfigName,
                        author: request.headers["x-druid-author"] ?? "",
                        comment: request.headers["x-druid-comment"] ?? "",
                        createdDate: instantText(clock()),
                        payload: payload
                    )
                )
                return .empty(200)
            },
            Route("GET", "\(prefix)/config/history") { request, _ throws(LaminaError) in
                let limit = request.query("count").flatMap(Int.init) ?? 25
                var answer: [JSON] = []
                for record in try metadata.audit(type: dynamicConfigName, limit: max(0, limit)) {
                    answer.append([
                        "key": .string(record.key), "type": .string(record.type),
                        "auditInfo": ["author": .string(record.author), "comment": .string(record.comment), "ip": ""],
                        "payload": .string(String(decoding: record.payload, as: UTF8.self)),
                        "auditTime": .string(record.createdDate),
                    ])
                }
                return .json(.array(answer))
            },
            Route("GET", "\(prefix)/config/compaction") { _, _ throws(LaminaError) in .json(["compactionConfigs": []])
            },
            Route("POST", "\(prefix)/config/compaction") { _, _ throws(LaminaError) in
                throw .unsupported("Automatic compaction")
            },
            Route("GET", "\(prefix)/config/compaction/{ds}") { _, _ throws(LaminaError) in .empty(404) },
            Route("GET", "\(prefix)/compaction/status") { request, _ throws(LaminaError) in
                if request.has("dataSource") { throw .notFound("Unknown DataSource") }
                return .json(["latestStatus": []])
            },
            Route("GET", "\(prefix)/compaction/progress") { request, _ throws(LaminaError) in
                guard request.has("dataSource") else { throw .invalidInput("No DataSource specified") }
                throw .notFound("Unknown DataSource")
            },
        ]
    }
}
