import LaminaBase
import LaminaQuery

/// Whether a segment may hold rows that pass a filter, as far as its shard spec tells.
///
/// Only values that compare as texts are judged: a text that is also a number may stand for a number column's value, written
/// otherwise.
///
/// - Source: Druid's `FilteredServerSegments` in `CachingClusteredClient.computeSegmentsToQuery`, `DimFilterUtils.filterShards`,
///   `DimensionRangeShardSpec.possibleInDomain`; context `secondaryPartitionPruning`.
func mayHold(_ shard: ShardSpec, _ filter: Filter, virtualColumns: [VirtualColumn]) -> Bool {
    guard case .range(let range) = shard, let dimension = range.dimensions.first,
        !virtualColumns.contains(where: { $0.name == dimension })
    else { return true }
    guard let values = allowedValues(filter, dimension) else { return true }
    let start = range.start?.first
    let end = range.end?.first
    let isSingle = range.dimensions.count == 1
    return values.contains { value in
        // Bounds are tuples; of several dimensions only the first is looked at, whose end then counts too.
        if let start, compare(value, start) < 0 { return false }
        if let end {
            let order = compare(value, end)
            return isSingle ? order < 0 : order <= 0
        }
        return true
    }
}

/// Null first, texts by UTF-16 units as Java compares them.
private func compare(_ left: String?, _ right: String?) -> Int {
    guard let left else { return right == nil ? 0 : -1 }
    guard let right else { return 1 }
    return javaCompare(left, right)
}

/// The only values of a dimension that can pass a filter; nil: any, or nobody knows.
private func allowedValues(_ filter: Filter, _ dimension: String) -> [String?]? {
    switch filter {
    case .and(let parts):
        // The shortest list of any part will do.
        return parts.compactMap { allowedValues($0, dimension) }.min { $0.count < $1.count }
    case .or(let parts):
        var all: [String?] = []
        for part in parts {
            guard let values = allowedValues(part, dimension) else { return nil }
            all += values
        }
        return all
    case .isTrue(let inner): return allowedValues(inner, dimension)
    case .selector(dimension, let value?, nil): return texts([value])
    case .equals(dimension, .string, .string(let value)): return texts([value])
    case .in(dimension, let values, nil):
        let known = values.compactMap { $0 }
        return known.count == values.count ? texts(known) : nil
    case .inType(dimension, .string, let values):
        let known = values.compactMap { if case .string(let text) = $0 { text } else { nil } }
        return known.count == values.count ? texts(known) : nil
    default: return nil
    }
}

private func texts(_ values: [String]) -> [String?]? {
    values.contains { $0.isEmpty || Double($0) != nil } ? nil : values.map(Optional.some)
}
