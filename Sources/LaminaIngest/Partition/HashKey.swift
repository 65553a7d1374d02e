import LaminaBase

/// Builds the JSON text whose hash decides a row's bucket, one row after the other, in one growing buffer.
///
/// With partition dimensions the key is a list of each dimension's values, `[["US"],["a","b"],[]]`; without any it is the row's
/// truncated time and all its non-empty dimensions by name, values sorted and distinct: `[1709942400000,{"country":["US"]}]`.
///
/// - Source: Druid's `HashBasedNumberedShardSpec.HashPartitioner`, `Rows.toGroupKey`.
package struct HashKey: Sendable {
    private var writer = JSONWriter()

    package init() {}

    /// The key of a row by chosen dimensions, in their listed order.
    package mutating func set(values: [[String]]) {
        _ = writer.drain()
        writer = JSONWriter()
        writer.beginArray()
        for list in values { write(list) }
        writer.endArray()
    }

    /// The key of a row by everything it has.
    /// - Parameters:
    ///   - time: truncated to the query granularity.
    ///   - dimensions: sorted by name in UTF-16 order; empty lists are left out here.
    package mutating func set(time: Int64, dimensions: [(name: String, values: [String])]) {
        writer = JSONWriter()
        writer.beginArray()
        writer.int(time)
        writer.beginObject()
        for dimension in dimensions where !dimension.values.isEmpty {
            writer.key(dimension.name)
            write(dimension.values.count == 1 ? dimension.values : sortedSet(dimension.values))
        }
        writer.endObject()
        writer.endArray()
    }

    /// The bucket of the key set last: `|hash mod count|`.
    package func bucket(of count: Int) -> Int {
        let hash = writer.bytes.withUnsafeBytes { murmur3($0) }
        return abs(Int(hash) % count)
    }

    package var text: String { writer.text }

    private mutating func write(_ values: [String]) {
        writer.beginArray()
        for value in values { writer.string(value) }
        writer.endArray()
    }

    private func sortedSet(_ values: [String]) -> [String] {
        Array(Set(values)).sorted { $0.utf16.lexicographicallyPrecedes($1.utf16) }
    }
}
