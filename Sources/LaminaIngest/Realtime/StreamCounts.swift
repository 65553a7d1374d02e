package import LaminaBase

/// What became of the rows of a stream: each is counted in exactly one of them.
///
/// Source: Druid's `RowIngestionMetersTotals`, with the reasons of `thrownAway` told apart.
package struct StreamCounts: Sendable, Hashable {
    package var processed: Int64 = 0
    package var processedWithError: Int64 = 0
    package var late: Int64 = 0
    package var early: Int64 = 0
    package var filtered: Int64 = 0
    /// Records without value.
    package var tombstones: Int64 = 0
    package var unparseable: Int64 = 0
    /// Bytes of all records.
    package var processedBytes: Int64 = 0

    package init() {}

    package var thrownAway: Int64 { late + early + filtered + tombstones }

    /// Everything that was seen: rows, records that did not parse, records without value.
    package var seen: Int64 { processed + processedWithError + thrownAway + unparseable }

    package mutating func add(_ other: StreamCounts) {
        for (_, path) in Self.parts { self[keyPath: path] &+= other[keyPath: path] }
    }

    package mutating func subtract(_ other: StreamCounts) {
        for (_, path) in Self.parts { self[keyPath: path] &-= other[keyPath: path] }
    }

    /// No count greater than the other's.
    package func atMost(_ other: StreamCounts) -> StreamCounts {
        var least = self
        for (_, path) in Self.parts { least[keyPath: path] = min(least[keyPath: path], other[keyPath: path]) }
        return least
    }

    private static var parts: [(name: String, path: WritableKeyPath<StreamCounts, Int64>)] {
        [
            ("processed", \.processed), ("processedBytes", \.processedBytes), ("late", \.late), ("early", \.early),
            ("processedWithError", \.processedWithError), ("filtered", \.filtered), ("tombstones", \.tombstones),
            ("unparseable", \.unparseable),
        ]
    }

    /// As files of a stream keep it.
    package var stored: JSON { .object(JSONObject(Self.parts.map { ($0.name, .int(self[keyPath: $0.path])) })) }

    package init(stored json: JSON?) {
        for (name, path) in Self.parts { self[keyPath: path] = json?[name]?.intValue ?? 0 }
    }

    /// Druid's five numbers, in its order.
    package var json: JSON {
        [
            "processed": .int(processed), "processedBytes": .int(processedBytes),
            "processedWithError": .int(processedWithError), "thrownAway": .int(thrownAway),
            "unparseable": .int(unparseable),
        ]
    }

    /// Why rows were thrown away, by Druid's names of the reasons where it has one.
    package var reasons: JSON {
        [
            "null": .int(tombstones), "beforeMinimumMessageTime": .int(late), "afterMaximumMessageTime": .int(early),
            "filtered": .int(filtered),
        ]
    }
}
