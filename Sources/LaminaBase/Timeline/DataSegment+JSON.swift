extension DataSegment {
    /// Decodes a segment payload; unknown keys are ignored.
    package init(json: JSON) throws(LaminaError) {
        guard let object = json.objectValue else { throw .invalidInput("A segment must be a JSON object") }
        guard let dataSource = object["dataSource"]?.stringValue, let interval = object["interval"]?.stringValue,
            let version = object["version"]?.stringValue
        else { throw .invalidInput("A segment needs 'dataSource', 'interval' and 'version'") }
        self.init(
            dataSource: dataSource,
            interval: try Interval(parsing: interval),
            version: version,
            loadSpec: object["loadSpec"] ?? .null,
            dimensions: Self.names(object["dimensions"]) ?? [],
            metrics: Self.names(object["metrics"]) ?? [],
            projections: Self.names(object["projections"]),
            shardSpec: try ShardSpec(json: object["shardSpec"]),
            lastCompactionState: object["lastCompactionState"].flatMap { $0.isNull ? nil : $0 },
            binaryVersion: object["binaryVersion"]?.intValue.map { Int(truncatingIfNeeded: $0) },
            size: object["size"]?.intValue ?? 0,
            totalRows: object["totalRows"]?.intValue
        )
    }

    /// Names are one comma-joined string, or a list; empty ones are dropped.
    private static func names(_ json: JSON?) -> [String]? {
        switch json {
        case .string(let text)?: text.split(separator: ",").map(String.init)
        case .array(let items)?: items.compactMap(\.stringValue).filter { !$0.isEmpty }
        default: nil
        }
    }

    /// Druid's payload; its `identifier` is for readers only.
    package var json: JSON {
        var entries: [(key: String, value: JSON)] = [
            ("dataSource", .string(dataSource)), ("interval", .string(interval.text)), ("version", .string(version)),
            ("loadSpec", loadSpec), ("dimensions", .string(dimensions.joined(separator: ","))),
            ("metrics", .string(metrics.joined(separator: ","))),
        ]
        if let projections { entries.append(("projections", .string(projections.joined(separator: ",")))) }
        entries.append(("shardSpec", shardSpec.json))
        if let lastCompactionState { entries.append(("lastCompactionState", lastCompactionState)) }
        entries.append(("binaryVersion", binaryVersion.map { .int(Int64($0)) } ?? .null))
        entries.append(("size", .int(size)))
        if let totalRows { entries.append(("totalRows", .int(totalRows))) }
        entries.append(("identifier", .string(id.text)))
        return .object(JSONObject(unchecked: entries))
    }
}
