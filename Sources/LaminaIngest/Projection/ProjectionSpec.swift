package import LaminaBase
package import LaminaEngine
import LaminaQuery
import LaminaSegment

/// One entry of `dataSchema.projections`: rows grouped and aggregated in advance, stored beside the table's own.
///
/// - Source: Druid 33's `AggregateProjectionSpec`.
package struct ProjectionSpec: Sendable {
    package var definition: ProjectionDefinition
    package var groupingColumns: [DimensionSchema]

    package init(_ node: SpecNode) throws(LaminaError) {
        _ = try node.object()
        let type = try node.required("type").string()
        guard type == "aggregate" else { throw node.error("has the unknown type \"\(type)\"; known is aggregate") }
        let name = try node.required("name").string()
        guard !name.isEmpty else { throw node.error("has an empty name") }
        guard !name.contains("/") else { throw node.error("has a '/' in its name: \(name)") }
        groupingColumns = []
        for entry in try node.child("groupingColumns")?.list() ?? [] {
            let schema = try DimensionSchema(entry)
            guard !groupingColumns.contains(where: { $0.name == schema.name }) else {
                throw entry.error("repeats the column [\(schema.name)]")
            }
            groupingColumns.append(schema)
        }
        let aggregators = try node.child("aggregators")?.list() ?? []
        guard !groupingColumns.isEmpty || !aggregators.isEmpty else {
            throw node.error("must have groupingColumns or aggregators: they must not both be null or empty")
        }
        let virtualColumns = try node.child("virtualColumns")?.list() ?? []
        var decoded: [VirtualColumn] = []
        for entry in virtualColumns { decoded.append(try QueryDecoder().virtualColumn(entry.json, at: entry.path)) }
        for entry in aggregators { _ = try QueryDecoder().aggregator(entry.json, at: entry.path) }
        let names = groupingColumns.map(\.name)
        let schema = ProjectionSchema(
            name: name,
            timeColumn: ProjectionDefinition.timeColumn(of: names, decoded),
            virtualColumns: virtualColumns.map(\.json),
            groupingColumns: names,
            aggregators: aggregators.map { Self.canonical($0.json) },
            ordering: names.isEmpty ? [OrderedColumn("__time")] : names.map { OrderedColumn($0) }
        )
        definition = try ProjectionDefinition(schema)
    }

    /// Keys in the order in which Druid prints them, nulls left out.
    private static func canonical(_ json: JSON) -> JSON {
        guard case .object(let given) = json else { return json }
        var object = JSONObject()
        for key in ["type", "name", "fieldName"] + given.entries.map(\.key) {
            if object[key] == nil, let value = given[key], !value.isNull { object[key] = value }
        }
        return .object(object)
    }

    package var name: String { definition.schema.name }

    /// Refuses what Druid refuses when rows begin to come in.
    ///
    /// - Source: `OnHeapAggregateProjection`.
    package func check(dimensions: [DimensionSchema], metrics: [MetricSpec]) throws(LaminaError) {
        let virtual = Set(definition.virtualColumns.map(\.name))
        let base = Dictionary(dimensions.map { ($0.name, $0) }, uniquingKeysWith: { one, _ in one })
        let isKnown = { (column: String) in
            column == "__time" || column == definition.schema.timeColumn || base[column] != nil
        }
        for column in groupingColumns where column.name != definition.schema.timeColumn {
            guard let parent = base[column.name] else {
                if virtual.contains(column.name) { continue }
                throw failure(
                    "contains dimension[\(column.name)] that is not present on the base table or a virtual column"
                )
            }
            guard column.kind.hasSameType(as: parent.kind) else {
                throw failure("contains dimension[\(column.name)] with different type than in base table")
            }
        }
        for column in definition.virtualColumns {
            for input in column.expression.requiredColumns where !isKnown(input) {
                throw failure(
                    "contains virtual column[\(column.name)] that references an input[\(input)] which is not a dimension in"
                        + " the base table"
                )
            }
        }
        for (aggregator, json) in zip(definition.aggregators, definition.schema.aggregators) {
            if let metric = metrics.first(where: { $0.name == aggregator.name }) {
                let combining: JSON? = metric.combiningJSON
                guard combining?["type"] == json["type"], json["fieldName"]?.stringValue == metric.name else {
                    throw failure(
                        "contains aggregator[\(aggregator.name)] that is not the 'combining' aggregator of base table"
                            + " aggregator[\(aggregator.name)]"
                    )
                }
                continue
            }
            for input in definition.inputs(of: aggregator) where !isKnown(input) {
                throw unknown(input, of: aggregator.name, metrics, virtual)
            }
        }
    }

    private func unknown(
        _ input: String,
        of aggregator: String,
        _ metrics: [MetricSpec],
        _ virtual: Set<String>
    ) -> LaminaError {
        if metrics.contains(where: { $0.name == input }) {
            return failure(
                "contains aggregator[\(aggregator)] that references aggregator[\(input)] in base table but this is not"
                    + " supported, projection aggregators which reference base table aggregates must be 'combining'"
                    + " aggregators with the same name as the base table column"
            )
        }
        if virtual.contains(input) {
            return failure(
                "contains aggregator[\(aggregator)] that has required field[\(input)] which is a virtual column, this is not"
                    + " yet supported"
            )
        }
        return failure("contains aggregator[\(aggregator)] that is missing required field[\(input)] in base table")
    }

    private func failure(_ what: String) -> LaminaError { .invalidInput("projection[\(name)] \(what)") }

    /// How columns that the table does not have are stored.
    var ownTypes: [String: ColumnType?] {
        var types: [String: ColumnType?] = [:]
        for column in groupingColumns { types.updateValue(column.kind.columnType, forKey: column.name) }
        return types
    }

    /// Forms of the columns that the table does not have, by internal file.
    func storage(dimensions: [String]) -> [String: ColumnStorage] {
        var out: [String: ColumnStorage] = [:]
        for column in groupingColumns where !dimensions.contains(column.name) {
            let file = definition.schema.fileName(column.name)
            switch column.kind {
            case .string: out[file] = .plain(bitmapIndex: column.hasBitmapIndex)
            case .auto(let cast): out[file] = .auto(AutoStorage(declaredType: cast))
            default: break
            }
        }
        return out
    }
}

extension DimensionSchema.Kind {
    /// The type of stored values; nil: what values show.
    fileprivate var columnType: ColumnType? {
        switch self {
        case .string: .string
        case .long: .long
        case .float: .float
        case .double: .double
        case .auto(let cast): cast
        }
    }

    fileprivate func hasSameType(as other: DimensionSchema.Kind) -> Bool {
        switch (self, other) {
        case (.string, .string), (.auto, .auto): true
        default: self == other
        }
    }
}

extension [ProjectionSpec] {
    /// Decodes the list; names are unique.
    package init(_ node: SpecNode?) throws(LaminaError) {
        self = []
        for entry in try node?.list() ?? [] {
            let projection = try ProjectionSpec(entry)
            guard !contains(where: { $0.name == projection.name }) else {
                throw entry.error("repeats the projection [\(projection.name)]")
            }
            append(projection)
        }
    }

    /// The rows of a segment about to be written, with their projections.
    func project(_ view: any SegmentView) throws(LaminaError) -> any SegmentView {
        if isEmpty { return view }
        var made: [any ProjectionView] = []
        for projection in self {
            made.append(
                try buildProjection(projection.definition, types: projection.ownTypes, of: view, QueryRun())
            )
        }
        return ProjectedSegment(view, made)
    }

    /// See `ProjectionSpec.storage`.
    func storage(dimensions: [String]) -> [String: ColumnStorage] {
        reduce(into: [:]) { $0.merge($1.storage(dimensions: dimensions)) { one, _ in one } }
    }
}
