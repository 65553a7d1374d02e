import LaminaBase
import LaminaMetadata
import LaminaTasks

extension Services {
    /// What the metadata store knows of segments, whether they are loaded or not (druid-surface 13.3).
    func metadataRoutes() -> [Route] {
        let segments = segments
        let metadata = metadata
        let prefix = "/druid/coordinator/v1/metadata"
        return [
            Route("GET", "\(prefix)/datasources") { request, _ throws(LaminaError) in
                if request.has("full") {
                    return .json(
                        .array(segments.timelines.sorted { $0.key < $1.key }.map { metadataJSON($0.key, $0.value) })
                    )
                }
                var names = Set(segments.dataSources)
                if request.has("includeUnused") {
                    for record in try metadata.segments(used: false) { names.insert(record.dataSource) }
                }
                return .json(.array(names.sorted().map { .string($0) }))
            },
            Route("GET", "\(prefix)/datasources/{ds}") { _, parameters throws(LaminaError) in
                guard let timeline = segments.timeline(parameters[0]) else {
                    return .empty(404, type: "application/json")
                }
                return .json(metadataJSON(parameters[0], timeline))
            },
            Route("GET", "\(prefix)/datasources/{ds}/segments") { request, parameters throws(LaminaError) in
                .json(segmentList(sorted(segments.timeline(parameters[0])?.segments ?? []), full: request.has("full")))
            },
            Route("POST", "\(prefix)/datasources/{ds}/segments") { request, parameters throws(LaminaError) in
                let intervals = try intervals(of: try request.json())
                let chosen = (segments.timeline(parameters[0])?.segments ?? []).filter { segment in
                    intervals.contains { $0.overlaps(segment.interval) }
                }
                return .json(segmentList(sorted(chosen), full: request.has("full")))
            },
            Route("GET", "\(prefix)/datasources/{ds}/segments/{id}") { _, parameters throws(LaminaError) in
                let all = segments.timeline(parameters[0])?.segments ?? []
                guard let segment = all.first(where: { $0.id.text == parameters[1] }) else {
                    return .empty(404, type: "application/json")
                }
                return .json(segment.json)
            },
            Route("GET", "\(prefix)/datasources/{ds}/unusedSegments") { request, parameters throws(LaminaError) in
                .json(segmentList(try unused(of: parameters[0], request, segments), full: true))
            },
            Route("GET", "\(prefix)/segments") { request, _ throws(LaminaError) in
                // Druid lists those that grow only together with what is overshadowed.
                let withStatus = request.has("includeOvershadowedStatus")
                let withRealtime = request.has("includeRealtimeSegments")
                guard withStatus || !withRealtime else { return .empty(400, type: "application/json") }
                let names = request.queries("datasources")
                let wanted = names.isEmpty ? segments.dataSources : names
                var answer: [JSON] = []
                for name in wanted {
                    guard let timeline = segments.timeline(name) else { continue }
                    let hidden = withStatus ? timeline.overshadowed() : nil
                    for segment in sorted(timeline.segments) {
                        answer.append(statusJSON(segment, overshadowed: hidden))
                    }
                }
                if withRealtime {
                    let chosen = names.isEmpty ? segments.visibleDataSources : names
                    for name in chosen { answer += realtimeStatuses(name, segments) }
                }
                return .json(.array(answer))
            },
            Route("POST", "\(prefix)/bootstrapSegments") { _, _ throws(LaminaError) in .json([]) },
        ]
    }
}

func sorted(_ segments: [DataSegment]) -> [DataSegment] { segments.sorted { $0.id < $1.id } }

func segmentList(_ segments: [DataSegment], full: Bool) -> JSON {
    .array(segments.map { full ? $0.json : .string($0.id.text) })
}

func intervals(of json: JSON) throws(LaminaError) -> [Interval] {
    guard let texts = json.arrayValue else { throw .invalidInput("A list of intervals is expected") }
    var intervals: [Interval] = []
    for text in texts {
        guard let text = text.stringValue else { throw .invalidInput("An interval must be a text, not \(text.text)") }
        intervals.append(try Interval(parsing: text))
    }
    return intervals
}

private func metadataJSON(_ name: String, _ timeline: SegmentTimeline) -> JSON {
    // Versions are the times of the locks they were written under: the oldest one is when the datasource came to be.
    let created = timeline.segments.map(\.version).min() ?? ""
    return [
        "name": .string(name), "properties": ["created": .string(created)],
        "segments": segmentList(sorted(timeline.segments), full: true),
    ]
}

/// Segments of streams that are not published, with the rows they hold now.
private func realtimeStatuses(_ name: String, _ segments: SegmentService) -> [JSON] {
    let rows = segments.realtimeRowCounts(name)
    // One that was published since is listed as such already.
    let growing = segments.visibleTimeline(name).segments.filter { rows[$0.id] != nil }
    return sorted(growing).map { segment in
        var status = statusJSON(segment, overshadowed: []).objectValue ?? JSONObject()
        status["realtime"] = true
        // Druid's coordinator does not know how many serve it.
        status["replicationFactor"] = .null
        status["numRows"] = rows[segment.id].map { .int(Int64($0)) } ?? .null
        return .object(status)
    }
}

private func statusJSON(_ segment: DataSegment, overshadowed hidden: Set<SegmentID>?) -> JSON {
    guard let hidden else { return segment.json }
    let isHidden = hidden.contains(segment.id)
    var object: JSONObject = [
        "overshadowed": .bool(isHidden), "replicationFactor": isHidden ? 0 : 1,
        "numRows": segment.totalRows.map { .int($0) } ?? .null, "realtime": false,
    ]
    for entry in segment.json.objectValue?.entries ?? [] { object[entry.key] = entry.value }
    return .object(object)
}

private func unused(
    of dataSource: String,
    _ request: HTTPRequest,
    _ segments: SegmentService
) throws(LaminaError) -> [DataSegment] {
    var unused = sorted(try segments.unusedSegments(dataSource: dataSource))
    if let text = request.query("interval") {
        let interval = try pathInterval(text)
        unused = unused.filter { interval.contains($0.interval) }
    }
    if request.query("sortOrder")?.lowercased() == "desc" { unused.reverse() }
    if let last = request.query("lastSegmentId") { unused = Array(unused.drop { $0.id.text != last }.dropFirst()) }
    if let limit = request.query("limit").flatMap(Int.init), limit >= 0 { unused = Array(unused.prefix(limit)) }
    return unused
}
