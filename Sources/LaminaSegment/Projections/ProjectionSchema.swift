package import LaminaBase

/// What a segment says of one of its projections: which columns its rows were grouped by and what was aggregated.
///
/// Virtual columns and aggregators stay JSON: this room does not know what they mean.
/// - Source: `AggregateProjectionMetadata`, an entry of `projections` in `metadata.drd`.
package struct ProjectionSchema: Sendable, Hashable {
    package var name: String
    /// The grouping column that holds the row's time, floored or not; nil when rows of all times were put together.
    package var timeColumn: String?
    package var virtualColumns: [JSON]
    /// In the order of the spec, the time column among them.
    package var groupingColumns: [String]
    package var aggregators: [JSON]
    package var ordering: [OrderedColumn]

    package init(
        name: String,
        timeColumn: String?,
        virtualColumns: [JSON],
        groupingColumns: [String],
        aggregators: [JSON],
        ordering: [OrderedColumn]
    ) {
        self.name = name
        self.timeColumn = timeColumn
        self.virtualColumns = virtualColumns
        self.groupingColumns = groupingColumns
        self.aggregators = aggregators
        self.ordering = ordering
    }

    /// Names of the aggregators' columns.
    package var metrics: [String] { aggregators.compactMap { $0["name"]?.stringValue } }

    /// Grouping columns that are stored as dimensions: all but the time column.
    package var dimensions: [String] { groupingColumns.filter { $0 != timeColumn } }

    /// The order of rows as the base table would say it: the time column under the name `__time`.
    package var orderingOfRows: [OrderedColumn] {
        ordering.map { $0.name == timeColumn ? OrderedColumn("__time", ascending: $0.ascending) : $0 }
    }

    /// The internal file of a column.
    package func fileName(_ column: String) -> String { "\(name)/\(column)" }
}

extension ProjectionSchema {
    /// An entry of `metadata.projections` with the number of rows; nil when it is none that this room understands.
    init?(_ json: JSON, rowCount: inout Int) {
        guard json["type"]?.stringValue == "aggregate", let schema = json["schema"],
            let name = schema["name"]?.stringValue, !name.isEmpty,
            let rows = json["numRows"]?.intValue, rows >= 0, rows <= Int64(Int32.max)
        else { return nil }
        rowCount = Int(rows)
        self.init(
            name: name,
            timeColumn: schema["timeColumnName"]?.stringValue,
            virtualColumns: schema["virtualColumns"]?.arrayValue ?? [],
            groupingColumns: (schema["groupingColumns"]?.arrayValue ?? []).compactMap(\.stringValue),
            aggregators: schema["aggregators"]?.arrayValue ?? [],
            ordering: (schema["ordering"]?.arrayValue ?? []).compactMap { entry in
                entry["columnName"]?.stringValue.map {
                    OrderedColumn($0, ascending: entry["order"]?.stringValue != "descending")
                }
            }
        )
    }

    /// The entry of `metadata.projections`, keys in Druid's order; what is empty is left out as Druid does.
    package func json(rowCount: Int) -> JSON {
        var schema: JSONObject = ["name": .string(name), "timeColumnName": timeColumn.map { .string($0) } ?? .null]
        if !virtualColumns.isEmpty { schema["virtualColumns"] = .array(virtualColumns) }
        if !groupingColumns.isEmpty { schema["groupingColumns"] = .array(groupingColumns.map { .string($0) }) }
        if !aggregators.isEmpty { schema["aggregators"] = .array(aggregators) }
        schema["ordering"] = .array(
            ordering.map { ["columnName": .string($0.name), "order": $0.ascending ? "ascending" : "descending"] }
        )
        return ["type": "aggregate", "schema": .object(schema), "numRows": .int(Int64(rowCount))]
    }
}

/// Rows of a segment grouped and aggregated in advance, as a small segment of its own.
///
/// `dimensions` and `metrics` are the stored names; the time column goes by the name `__time` too, which is the start of the
/// segment's interval in every row when rows were not grouped by time.
package protocol ProjectionView: SegmentView {
    var schema: ProjectionSchema { get }
}
