import LaminaBase
import LaminaTasks

extension Services {
    /// What can be asked, as clients look it up before they query (druid-surface 13.2).
    func introspectionRoutes() -> [Route] {
        let segments = segments
        let clock = clock
        let prefix = "/druid/v2/datasources"
        let look: @Sendable (HTTPRequest, String) throws(LaminaError) -> [DataSegment] = {
            request,
            name throws(LaminaError) in
            // Without an interval only the last week is looked at, as in Druid.
            let now = clock()
            var interval = Interval(start: now - 7 * 86_400_000, end: now)
            if let text = request.query("interval"), !text.isEmpty { interval = try pathInterval(text) }
            return segments.visibleTimeline(name).distinctSegments(in: interval)
        }
        return [
            Route("GET", prefix) { _, _ throws(LaminaError) in
                .json(.array(segments.visibleDataSources.map { .string($0) }))
            },
            Route("GET", "\(prefix)/{ds}") { request, parameters throws(LaminaError) in
                let found = try look(request, parameters[0])
                guard request.has("full") else { return .json(columns(of: found)) }
                let groups = Dictionary(grouping: found, by: \.interval).sorted { $0.key < $1.key }
                return .json(.object(JSONObject(groups.map { ($0.key.text, columns(of: $0.value)) })))
            },
            Route("GET", "\(prefix)/{ds}/dimensions") { request, parameters throws(LaminaError) in
                .json(columns(of: try look(request, parameters[0]))["dimensions"] ?? [])
            },
            Route("GET", "\(prefix)/{ds}/metrics") { request, parameters throws(LaminaError) in
                .json(columns(of: try look(request, parameters[0]))["metrics"] ?? [])
            },
        ]
    }
}

private func columns(of segments: [DataSegment]) -> JSON {
    let dimensions = inJavaSetOrder(segments.flatMap(\.dimensions))
    // A name that is a dimension somewhere is not listed as a metric.
    let metrics = inJavaSetOrder(segments.flatMap(\.metrics)).filter { !dimensions.contains($0) }
    return ["dimensions": .array(dimensions.map { .string($0) }), "metrics": .array(metrics.map { .string($0) })]
}

/// Distinct names in the order of a Java `HashSet`, which is the order Druid answers in and its clients show.
///
/// Source: Druid `ClientInfoResource.getDatasource`; Java `HashMap`: buckets by `hash ^ hash >>> 16`, doubled at three quarters.
func inJavaSetOrder(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    let distinct = names.filter { seen.insert($0).inserted }
    var capacity: UInt32 = 16
    while distinct.count > Int(capacity) * 3 / 4 { capacity *= 2 }
    let placed = distinct.enumerated().map { index, name -> (bucket: UInt32, index: Int, name: String) in
        var hash: UInt32 = 0
        for unit in name.utf16 { hash = hash &* 31 &+ UInt32(unit) }
        return ((hash ^ hash >> 16) & (capacity - 1), index, name)
    }
    return placed.sorted { ($0.bucket, $0.index) < ($1.bucket, $1.index) }.map(\.name)
}
