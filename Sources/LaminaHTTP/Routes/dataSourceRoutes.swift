import LaminaBase
import LaminaTasks

private let tier = "_default_tier"

extension Services {
    /// What is served: every used segment of this process (druid-surface 13.3).
    func dataSourceRoutes() -> [Route] {
        let segments = segments
        let prefix = "/druid/coordinator/v1/datasources"
        return [
            Route("GET", prefix) { request, _ throws(LaminaError) in
                let all = segments.timelines.sorted { $0.key < $1.key }
                if request.has("full") { return .json(.array(all.map { fullJSON($0.key, $0.value) })) }
                if request.has("simple") {
                    return .json(.array(all.map { ["name": .string($0.key), "properties": summary($0.value)] }))
                }
                return .json(.array(all.map { .string($0.key) }))
            },
            dataSource("") { request, name, timeline in
                .json(request.has("full") ? fullJSON(name, timeline) : summary(timeline))
            },
            dataSource("/tiers") { _, _, _ in .json([.string(tier)]) },
            dataSource("/intervals") { request, _, timeline in
                .json(intervalJSON(byInterval(timeline.segments), request))
            },
            Route("GET", "\(prefix)/{ds}/intervals/{interval}") { request, parameters throws(LaminaError) in
                let interval = try pathInterval(parameters[1])
                guard let timeline = segments.timeline(parameters[0]) else {
                    return .empty(204, type: "application/json")
                }
                let inside = timeline.segments.filter { interval.contains($0.interval) }
                if request.has("simple") || request.has("full") {
                    return .json(intervalJSON(byInterval(inside), request))
                }
                return .json(segmentList(sorted(inside), full: false))
            },
            Route("GET", "\(prefix)/{ds}/intervals/{interval}/serverview") { request, parameters throws(LaminaError) in
                let interval = try pathInterval(parameters[1])
                let inside = (segments.timeline(parameters[0])?.segments ?? []).filter {
                    $0.interval.overlaps(interval)
                }
                return .json(.array(sorted(inside).map { ["segment": $0.json, "servers": [.string(address)]] }))
            },
            dataSource("/segments") { request, _, timeline in
                .json(segmentList(sorted(timeline.segments), full: request.has("full")))
            },
            Route("GET", "\(prefix)/{ds}/segments/{id}") { _, parameters throws(LaminaError) in
                let all = segments.timeline(parameters[0])?.segments ?? []
                guard let segment = all.first(where: { $0.id.text == parameters[1] }) else {
                    return .empty(204, type: "application/json")
                }
                return .json(["metadata": segment.json, "servers": [.string(address)]])
            },
            Route("GET", "\(prefix)/{ds}/handoffComplete") { request, parameters throws(LaminaError) in
                guard let text = request.query("interval"), let version = request.query("version"),
                    let partition = request.query("partitionNumber").flatMap(Int.init)
                else { throw .invalidInput("interval, partitionNumber and version are needed") }
                let interval = try Interval(parsing: text)
                let found = segments.visibleSegments(dataSource: parameters[0], in: interval).contains {
                    $0.interval.contains(interval) && $0.version >= version
                        && ($0.version > version || $0.shardSpec.partition == partition)
                }
                return .json(.bool(found))
            },
            Route("GET", "/druid/coordinator/v1/intervals") { request, _ throws(LaminaError) in
                .json(acrossDataSources(segments.timelines, nil, request))
            },
            Route("GET", "/druid/coordinator/v1/intervals/{interval}") { request, parameters throws(LaminaError) in
                .json(acrossDataSources(segments.timelines, try pathInterval(parameters[0]), request))
            },
        ]
    }

    /// A route under one datasource; an unknown one is 204, as Druid answers.
    private func dataSource(
        _ rest: String,
        _ answer: @escaping @Sendable (HTTPRequest, String, SegmentTimeline) -> HTTPResponse
    ) -> Route {
        let segments = segments
        return Route("GET", "/druid/coordinator/v1/datasources/{ds}\(rest)") {
            request,
            parameters throws(LaminaError) in
            guard let timeline = segments.timeline(parameters[0]) else { return .empty(204, type: "application/json") }
            return answer(request, parameters[0], timeline)
        }
    }
}

private func fullJSON(_ name: String, _ timeline: SegmentTimeline) -> JSON {
    ["name": .string(name), "properties": [:], "segments": segmentList(sorted(timeline.segments), full: true)]
}

private func summary(_ timeline: SegmentTimeline) -> JSON {
    let all = timeline.segments
    let size = all.reduce(0) { $0 + $1.size }
    let count = Int64(all.count)
    return [
        "tiers": [tier: ["size": .int(size), "replicatedSize": .int(size), "segmentCount": .int(count)]],
        "segments": [
            "maxTime": all.map(\.interval.end).max().map { .string(instantText($0)) } ?? .null,
            "size": .int(size),
            "minTime": all.map(\.interval.start).min().map { .string(instantText($0)) } ?? .null,
            "count": .int(count),
            "replicatedSize": .int(size),
        ],
    ]
}

/// Segments by their interval, the newest interval first.
private func byInterval(_ segments: [DataSegment]) -> [(interval: Interval, segments: [DataSegment])] {
    Dictionary(grouping: segments, by: \.interval).map { (interval: $0.key, segments: sorted($0.value)) }
        .sorted { $1.interval < $0.interval }
}

private func intervalJSON(_ groups: [(interval: Interval, segments: [DataSegment])], _ request: HTTPRequest) -> JSON {
    if request.has("simple") { return .object(JSONObject(groups.map { ($0.interval.text, sizes($0.segments)) })) }
    if request.has("full") {
        return .object(
            JSONObject(
                groups.map { group in
                    let listed = group.segments.map { segment in
                        (segment.id.text, JSON.object(["metadata": segment.json, "servers": ["localhost"]]))
                    }
                    return (group.interval.text, .object(JSONObject(listed)))
                }
            )
        )
    }
    return .array(groups.map { .string($0.interval.text) })
}

private func sizes(_ segments: [DataSegment]) -> JSON {
    ["size": .int(segments.reduce(0) { $0 + $1.size }), "count": .int(Int64(segments.count))]
}

/// Intervals of all datasources, the newest first, each with its datasources' sizes.
private func acrossDataSources(_ timelines: [String: SegmentTimeline], _ within: Interval?, _ request: HTTPRequest)
    -> JSON
{
    let all = timelines.values.flatMap(\.segments).filter { segment in
        within.map { $0.contains(segment.interval) } ?? true
    }
    let groups = byInterval(all)
    if within != nil, !request.has("simple"), !request.has("full") { return sizes(all) }
    return .object(
        JSONObject(
            groups.map { group in
                let sources = Dictionary(grouping: group.segments, by: \.dataSource).sorted { $0.key < $1.key }
                if request.has("simple") { return (group.interval.text, sizes(group.segments)) }
                let listed = sources.map { name, members in
                    (name, request.has("full") ? segmentList(members, full: true) : sizes(members))
                }
                return (group.interval.text, .object(JSONObject(listed)))
            }
        )
    )
}
