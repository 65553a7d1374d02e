package import LaminaBase
import LaminaQuery

/// Answers native queries row by row in the plainest way, for comparison with the engine. Slow on purpose.
///
/// Reads the query's JSON itself, with its own defaults, and knows rows as dictionaries: no decoder, no engine, no segment.
/// Of the rooms it uses only what has a meaning of its own that is tested elsewhere: the expression interpreter, regular
/// expressions, granularities and the printing of numbers. What several answers would satisfy (`stringAny`, estimates) comes
/// out as a mark that `agree` understands.
package struct NaiveOracle {
    /// Segments by table, in the order of their time.
    package var tables: [String: [MemoryRows]]
    package var lookups: [String: [String: String]] = [:]

    package init(tables: [String: [MemoryRows]], lookups: [String: [String: String]] = [:]) {
        self.tables = tables
        self.lookups = lookups
    }

    package typealias Row = [String: Value]

    package struct Unknown: Error, CustomStringConvertible {
        package var description: String
        init(_ what: String) { description = "the oracle does not know \(what)" }
    }

    /// The answer as Druid's JSON; of `scan` the rows alone, batches and segments joined.
    package func answer(_ json: JSON) throws -> JSON {
        let scope = try Scope(json, self)
        switch scope.text("queryType") {
        case "timeseries": return try timeseries(scope)
        case "topN": return try topN(scope)
        case "groupBy": return .array(try groupBy(scope).map(\.json))
        case "scan": return try scan(scope)
        case "search": return try search(scope)
        case "timeBoundary": return try timeBoundary(scope)
        case let other: throw Unknown("queries of type \(other)")
        }
    }

    /// One query, its rows, and what every kind of query has.
    struct Scope {
        let query: JSON
        let segments: [Segment]
        let intervals: [Interval]
        let granularity: Granularity

        struct Segment {
            var types: [String: ColumnType]
            /// All rows of the intervals in the segment's order, virtual columns added.
            var rows: [Row]
            /// Which of them pass the filter.
            var selected: [Row]
            /// First and last time of all rows, outside of the intervals too.
            var times: ClosedRange<Int64>?
            /// Names in order.
            var names: [String]
            /// The query's intervals, cut to the segment's own.
            var intervals: [Interval]
        }

        init(_ query: JSON, _ oracle: NaiveOracle) throws {
            self.query = query
            granularity = try query["granularity"].map { try Granularity(json: $0) } ?? .all
            intervals = try Self.intervals(query["intervals"])
            var segments: [Segment] = []
            for part in try oracle.relation(query["dataSource"] ?? .null, of: query) {
                let own = intervals.compactMap { part.interval?.intersection($0) ?? (part.interval == nil ? $0 : nil) }
                // A segment outside of the intervals is not asked.
                if own.isEmpty { continue }
                segments.append(try Self.segment(part, query, own, oracle))
            }
            self.segments = segments
        }

        private static func intervals(_ json: JSON?) throws -> [Interval] {
            guard let json else { return [.eternity] }
            let texts = json.arrayValue ?? json["intervals"]?.arrayValue ?? [json]
            var found = try texts.map { try Interval(parsing: $0.stringValue ?? "") }.sorted { $0.start < $1.start }
            var index = 1
            while index < found.count {
                if found[index].start <= found[index - 1].end {
                    found[index - 1].end = max(found[index - 1].end, found[index].end)
                    found.remove(at: index)
                } else {
                    index += 1
                }
            }
            return found
        }

        private static func segment(
            _ part: MemoryRows,
            _ query: JSON,
            _ intervals: [Interval],
            _ oracle: NaiveOracle
        ) throws -> Segment {
            var types: [String: ColumnType] = ["__time": .long]
            for (name, type) in part.types { types[name] = type }
            var rows: [Row] = []
            for index in part.rows.indices where intervals.contains(where: { $0.contains(part.time(index)) }) {
                var row = part.rows[index]
                row["__time"] = .long(part.time(index))
                rows.append(row)
            }
            let columns = query["virtualColumns"]?.arrayValue ?? []
            try oracle.addVirtualColumns(columns, to: &rows, &types)
            var selected = rows
            if let filter = query["filter"], !filter.isNull {
                selected = try rows.filter { try oracle.truth(filter, $0, types) == true }
            }
            let names = part.types.map(\.name)
            return Segment(
                types: types,
                rows: rows,
                selected: selected,
                times: part.times,
                names: names,
                intervals: intervals
            )
        }

        func text(_ key: String) -> String { query[key]?.stringValue ?? "" }
        func list(_ key: String) -> [JSON] { query[key]?.arrayValue ?? [] }
        func flag(_ key: String) -> Bool { query["context"]?[key]?.boolValue ?? false }

        /// Time of the first row of the intervals, in the order of the segments.
        var firstTime: Int64 { segments.lazy.compactMap { $0.rows.first.map(timeOf) }.first ?? intervals[0].start }

        func timestamp(_ time: Int64) -> JSON { .string(granularity.timestampText(time)) }

        func bucket(_ row: Row) -> Int64 { granularity.isAll ? 0 : granularity.bucketStart(timeOf(row)) }
    }
}

/// The time of a row in milliseconds.
func timeOf(_ row: NaiveOracle.Row) -> Int64 { if case .long(let time)? = row["__time"] { time } else { 0 } }

/// A value as JSON, as Druid prints it.
func shownJSON(_ value: Value) -> JSON {
    var writer = JSONWriter()
    writer.value(value)
    return (try? JSONParser.parse(writer.bytes)) ?? .null
}

/// The values of a row's column: none counts as null.
func valuesOf(_ value: Value?) -> [Value] {
    guard case .array(let elements)? = value else { return [value ?? .null] }
    return elements.isEmpty ? [.null] : elements
}

/// A text that tells values apart as Druid's group keys do: by bytes, NaN alike, zeros by sign.
func keyText(_ value: Value) -> String {
    switch value {
    case .null: "null"
    case .string(let text): "s\(Array(text.utf8))"
    case .array(let elements): "[" + elements.map(keyText).joined(separator: ";") + "]"
    case .json(let json): "j\(json.text)"
    default: "n" + (value.asText ?? "")
    }
}

/// The types' own order: null first, texts by UTF-16 units, numbers by value with NaN last, arrays element by element.
func naturalOrder(_ left: Value, _ right: Value) -> Int {
    switch (left, right) {
    case (.null, .null): return 0
    case (.null, _): return -1
    case (_, .null): return 1
    case (.long(let one), .long(let two)): return one < two ? -1 : one == two ? 0 : 1
    case (.array(let one), .array(let two)):
        for (first, second) in zip(one, two) {
            let order = naturalOrder(first, second)
            if order != 0 { return order }
        }
        return one.count < two.count ? -1 : one.count == two.count ? 0 : 1
    case (.string, _), (_, .string): return utf16Order(left.asText ?? "", right.asText ?? "")
    default: return doubleOrder(left.asDouble ?? 0, right.asDouble ?? 0)
    }
}

/// `String.compareTo`.
func utf16Order(_ left: String, _ right: String) -> Int {
    let one = Array(left.utf16)
    let two = Array(right.utf16)
    for (first, second) in zip(one, two) where first != second { return first < second ? -1 : 1 }
    return one.count < two.count ? -1 : one.count == two.count ? 0 : 1
}

/// `Double.compare`.
func doubleOrder(_ left: Double, _ right: Double) -> Int {
    if left < right { return -1 }
    if left > right { return 1 }
    func rank(_ number: Double) -> Int { number.isNaN ? 2 : number == 0 && number.sign == .minus ? 0 : 1 }
    return rank(left) < rank(right) ? -1 : rank(left) == rank(right) ? 0 : 1
}

/// A string ordering by its name in JSON; null first.
func textOrder(_ json: JSON?, _ left: String?, _ right: String?) throws -> Int {
    guard let left else { return right == nil ? 0 : -1 }
    guard let right else { return 1 }
    switch (json?.stringValue ?? json?["type"]?.stringValue ?? "lexicographic").lowercased() {
    case "lexicographic", "natural": return utf16Order(left, right)
    case "strlen":
        let (one, two) = (left.utf16.count, right.utf16.count)
        return one != two ? (one < two ? -1 : 1) : utf16Order(left, right)
    case let other:
        // Numbers in texts and versions have rules of their own, which LaminaBase tests.
        return try StringOrdering(json: .string(other)).compare(left, right)
    }
}

/// The bytes are the same; Swift's own equality is that of the look.
func sameBytes(_ left: String?, _ right: String?) -> Bool {
    guard let left, let right else { return left == nil && right == nil }
    return Array(left.utf8) == Array(right.utf8)
}
