import LaminaBase
import LaminaEngine
import LaminaSegment

/// What segments remember of the task that made them, so that a later compaction can tell whether there is anything to do.
///
/// Source: Druid's `CompactionState`, `AbstractBatchIndexTask.addCompactionStateToSegments`.
extension IndexTaskSpec {
    /// `lastCompactionState`; nil unless the context's `storeCompactionState` asks for it.
    var compactionState: JSON? {
        guard context["storeCompactionState"] == true else { return nil }
        var state: JSONObject = [
            "partitionsSpec": tuning.partitions.json,
            "dimensionsSpec": dimensions?.json ?? .null,
            "metricsSpec": .array(metrics.map(\.json)),
            "transformSpec": transform.filterJSON.map { ["filter": $0] } ?? .null,
            "indexSpec": tuning.indexSpec.json,
            "granularitySpec": granularity.json,
        ]
        if !projections.isEmpty { state["projections"] = .array(projections.map(\.json)) }
        return .object(state)
    }
}

extension ProjectionSpec {
    /// As Druid prints it.
    var json: JSON {
        [
            "type": "aggregate", "name": .string(name), "virtualColumns": .array(definition.schema.virtualColumns),
            "groupingColumns": .array(groupingColumns.map(\.json)),
            "aggregators": .array(definition.schema.aggregators),
        ]
    }
}

extension DimensionSchema {
    /// As Druid prints it, every key given.
    var json: JSON {
        var object: JSONObject = ["type": "string", "name": .string(name), "multiValueHandling": "SORTED_ARRAY"]
        var hasIndex = false
        switch kind {
        case .string(let handling):
            object["multiValueHandling"] = .string(handling.rawValue)
            hasIndex = hasBitmapIndex
        case .long: object["type"] = "long"
        case .float: object["type"] = "float"
        case .double: object["type"] = "double"
        case .auto(let cast):
            object["type"] = "auto"
            if let cast { object["castToType"] = .string(cast.description) }
            hasIndex = true
        }
        object["createBitmapIndex"] = .bool(hasIndex)
        return .object(object)
    }
}

extension DimensionsSpec {
    /// As Druid prints it; the order of time is told only where it is not the first.
    var json: JSON {
        var listed = dimensions.map(\.json)
        let timePosition = ordering.firstIndex(of: "__time") ?? 0
        if timePosition > 0 { listed.insert(DimensionSchema(name: "__time", kind: .long).json, at: timePosition) }
        var object: JSONObject = [
            "dimensions": .array(listed), "dimensionExclusions": .array(exclusions.sorted().map { .string($0) }),
            "includeAllDimensions": .bool(includesAll), "useSchemaDiscovery": .bool(discoversSchema),
        ]
        if timePosition > 0 { object["forceSegmentSortByTime"] = false }
        return .object(object)
    }
}

extension GranularitySpec {
    var json: JSON {
        [
            "type": segmentGranularity == nil ? "arbitrary" : "uniform",
            "segmentGranularity": segmentGranularity?.json ?? .null, "queryGranularity": queryGranularity.json,
            "rollup": .bool(rollup), "intervals": .array(intervals.map { .string($0.text) }),
        ]
    }
}

extension PartitionsSpec {
    var json: JSON {
        func names(_ list: [String]) -> JSON { .array(list.map { .string($0) }) }
        switch self {
        case .dynamic(let rows, let total):
            return ["type": "dynamic", "maxRowsPerSegment": .int(Int64(rows)), "maxTotalRows": .int(Int64(total))]
        case .hashed(let buckets, let target, let dimensions):
            return [
                "type": "hashed", "numShards": buckets.map { .int(Int64($0)) } ?? .null,
                "partitionDimensions": names(dimensions), "partitionFunction": "murmur3_32_abs",
                "maxRowsPerSegment": buckets == nil ? .int(Int64(target)) : .null,
            ]
        case .range(let dimensions, let size, let isGrouped, let isSingle):
            var object: JSONObject = ["type": isSingle ? "single_dim" : "range"]
            object[isSingle ? "partitionDimension" : "partitionDimensions"] =
                isSingle ? dimensions.first.map { .string($0) } ?? .null : names(dimensions)
            object["targetRowsPerSegment"] = .null
            object["maxRowsPerSegment"] = .null
            switch size {
            case .target(let rows): object["targetRowsPerSegment"] = .int(Int64(rows))
            case .max(let rows): object["maxRowsPerSegment"] = .int(Int64(rows))
            }
            object["assumeGrouped"] = .bool(isGrouped)
            return .object(object)
        }
    }
}
