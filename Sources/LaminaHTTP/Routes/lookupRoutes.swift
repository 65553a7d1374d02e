import LaminaBase
import LaminaQuery

extension Services {
    /// Configuration and state of look-ups (druid-surface 12).
    func lookupRoutes() -> [Route] {
        let lookups = lookups
        let prefix = "/druid/coordinator/v1/lookups"
        return [
            Route("GET", "\(prefix)/config") { _, _ throws(LaminaError) in
                guard let config = lookups.config else { return unknown("No lookups found") }
                return .json(.array(config.keys.sorted().map { .string($0) }))
            },
            Route("POST", "\(prefix)/config") { request, _ throws(LaminaError) in try update(request, lookups) },
            Route("GET", "\(prefix)/config/all") { _, _ throws(LaminaError) in
                guard let config = lookups.config else { return unknown("No lookups found") }
                return .json(.object(JSONObject(config.sorted { $0.key < $1.key }.map { ($0.key, object($0.value)) })))
            },
            Route("GET", "\(prefix)/config/{tier}") { request, parameters throws(LaminaError) in
                guard let tier = lookups.config?[parameters[0]] else {
                    return unknown("Tier [\(parameters[0])] not found")
                }
                return .json(request.flag("detailed") ? object(tier) : .array(tier.keys.sorted().map { .string($0) }))
            },
            Route("DELETE", "\(prefix)/config/{tier}") { _, parameters throws(LaminaError) in
                try lookups.remove(tier: parameters[0], name: nil)
                    ? .empty(202, type: "application/json") : unknown("Tier [\(parameters[0])] not found")
            },
            Route("GET", "\(prefix)/config/{tier}/{name}") { _, parameters throws(LaminaError) in
                guard let spec = lookups.config?[parameters[0]]?[parameters[1]] else {
                    return unknown("lookup [\(parameters[1])] not found")
                }
                return .json(spec)
            },
            Route("POST", "\(prefix)/config/{tier}/{name}") { request, parameters throws(LaminaError) in
                do throws(LaminaError) {
                    try lookups.update([parameters[0]: [parameters[1]: try request.json()]])
                    return .empty(202, type: "application/json")
                } catch {
                    return plainErrorResponse(error)
                }
            },
            Route("DELETE", "\(prefix)/config/{tier}/{name}") { _, parameters throws(LaminaError) in
                try lookups.remove(tier: parameters[0], name: parameters[1])
                    ? .empty(202, type: "application/json") : unknown("lookup [\(parameters[1])] not found")
            },
            Route("GET", "\(prefix)/status") { _, _ throws(LaminaError) in
                let tiers = (lookups.config ?? [:]).sorted { $0.key < $1.key }
                return .json(.object(JSONObject(tiers.map { ($0.key, status(of: $0.value, lookups)) })))
            },
            Route("GET", "\(prefix)/status/{tier}") { _, parameters throws(LaminaError) in
                guard let tier = lookups.config?[parameters[0]] else {
                    return unknown("Tier [\(parameters[0])] not found")
                }
                return .json(status(of: tier, lookups))
            },
            Route("GET", "\(prefix)/status/{tier}/{name}") { _, parameters throws(LaminaError) in
                guard lookups.config?[parameters[0]]?[parameters[1]] != nil else {
                    return unknown("lookup [\(parameters[1])] not found")
                }
                return .json(state(of: parameters[1], lookups))
            },
            Route("GET", "\(prefix)/nodeStatus") { [address] _, _ throws(LaminaError) in
                let current = object(loaded(lookups))
                return .json([
                    LookupStore.defaultTier: .object(
                        JSONObject([(address, ["current": current, "toLoad": [:], "toDrop": []])])
                    )
                ])
            },
        ] + introspectionLookupRoutes()
    }

    /// What is loaded here, key by key.
    private func introspectionLookupRoutes() -> [Route] {
        let lookups = lookups
        let prefix = "/druid/v1/lookups/introspect/{name}"
        return [
            Route("GET", "/druid/listen/v1/lookups") { _, _ throws(LaminaError) in .json(object(loaded(lookups))) },
            Route("GET", "/druid/listen/v1/lookups/{name}") { _, parameters throws(LaminaError) in
                guard let spec = loaded(lookups)[parameters[0]] else {
                    return unknown("lookup [\(parameters[0])] not found")
                }
                return .json(spec)
            },
            Route("GET", prefix) { _, parameters throws(LaminaError) in
                guard let table = lookups.table(parameters[0]) else {
                    return unknown("lookup [\(parameters[0])] not found")
                }
                return .json(object(table.map.mapValues { .string($0) }))
            },
            Route("GET", "\(prefix)/keys") { _, parameters throws(LaminaError) in
                guard let table = lookups.table(parameters[0]) else {
                    return unknown("lookup [\(parameters[0])] not found")
                }
                return .json(.array(table.map.keys.sorted().map { .string($0) }))
            },
            Route("GET", "\(prefix)/values") { _, parameters throws(LaminaError) in
                guard let table = lookups.table(parameters[0]) else {
                    return unknown("lookup [\(parameters[0])] not found")
                }
                return .json(.array(table.map.values.sorted().map { .string($0) }))
            },
        ]
    }
}

private func unknown(_ message: String) -> HTTPResponse { plainErrorResponse(.notFound(message)) }

private func object(_ values: [String: JSON]) -> JSON {
    .object(JSONObject(values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
}

private func loaded(_ lookups: LookupStore) -> [String: JSON] {
    (lookups.config?[LookupStore.defaultTier] ?? [:]).filter { lookups.table($0.key) != nil }
}

private func status(of tier: [String: JSON], _ lookups: LookupStore) -> JSON {
    object(Dictionary(uniqueKeysWithValues: tier.keys.map { ($0, state(of: $0, lookups)) }))
}

private func state(of name: String, _ lookups: LookupStore) -> JSON {
    ["loaded": .bool(lookups.table(name) != nil), "pendingNodes": []]
}

private func update(_ request: HTTPRequest, _ lookups: LookupStore) throws(LaminaError) -> HTTPResponse {
    let body = try request.json()
    guard let tiers = body.objectValue else { throw .invalidInput("A map of tiers is expected") }
    var changes: [String: [String: JSON]] = [:]
    for tier in tiers.entries {
        guard let specs = tier.value.objectValue else {
            throw .invalidInput("Tier [\(tier.key)] must be a map of look-ups")
        }
        for spec in specs.entries { changes[tier.key, default: [:]][spec.key] = spec.value }
    }
    do throws(LaminaError) {
        try lookups.update(changes)
        return .json(body, status: 202)
    } catch {
        return plainErrorResponse(error)
    }
}
