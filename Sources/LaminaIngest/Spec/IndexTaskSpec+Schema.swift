package import LaminaBase

/// The dataSchema of a spec with every default filled in.
extension IndexTaskSpec {
    /// As Druid prints a task's or a supervisor's `dataSchema`.
    ///
    /// - Source: Druid's `DataSchema`: the time column, `__time`, the metrics and the fields they read are excluded from being
    ///   dimensions, unless they are listed as such.
    package var dataSchemaJSON: JSON {
        var excluded: Set<String> = ["__time", timestamp.column]
        for metric in metrics {
            excluded.insert(metric.name)
            excluded.formUnion(metric.namedFields)
        }
        var spec = dimensions
        for dimension in dimensions?.dimensions ?? [] { excluded.remove(dimension.name) }
        spec?.exclusions.formUnion(excluded)
        var object: JSONObject = [
            "dataSource": .string(dataSource), "timestampSpec": timestamp.json,
            "dimensionsSpec": spec?.json ?? .null, "metricsSpec": .array(metrics.map(\.json)),
            "granularitySpec": granularity.json,
            "transformSpec": [
                "filter": transform.filterJSON ?? .null,
                "transforms": .array(
                    transform.transforms.map {
                        ["type": "expression", "name": .string($0.name), "expression": .string($0.text)]
                    }
                ),
            ],
        ]
        if !projections.isEmpty { object["projections"] = .array(projections.map(\.json)) }
        return .object(object)
    }
}

extension MetricSpec {
    /// The fields that its JSON names: `fieldName`, `fieldNames`, `fields`, and those of an inner aggregator.
    fileprivate var namedFields: [String] { Self.namedFields(json) }

    private static func namedFields(_ json: JSON) -> [String] {
        var names: [String] = []
        for key in ["fieldName", "timeColumn", "nullableFieldName"] {
            if let name = json[key]?.stringValue { names.append(name) }
        }
        for key in ["fieldNames", "fields"] { names += json[key]?.arrayValue?.compactMap(\.stringValue) ?? [] }
        if let inner = json["aggregator"] { names += namedFields(inner) }
        return names
    }
}
