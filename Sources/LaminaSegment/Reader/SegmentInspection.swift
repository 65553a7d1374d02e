package import LaminaBase
import LaminaBitmaps
import LaminaCompression

/// What there is to say of a segment without reading its rows: `lamina segment inspect`.
package struct SegmentInspection: Sendable {
    package var place: String
    package var rowCount: Int
    package var interval: Interval
    package var bitmap: String
    package var ordering: [OrderedColumn]
    package var sizeBytes: Int64
    package var metadata: JSON?
    package var columns: [ColumnInspection]
    package var projections: [JSON]
    /// Internal files that belong to no column listed in the segment or its projections.
    package var otherFiles: [String]

    package init(_ segment: Segment) throws(LaminaError) {
        place = segment.place
        rowCount = segment.rowCount
        interval = segment.dataInterval
        bitmap = segment.bitmap.rawValue
        ordering = segment.ordering
        sizeBytes = segment.sizeBytes
        metadata = segment.metadata
        var columns: [ColumnInspection] = []
        let dimensions = Set(segment.dimensions)
        for name in segment.columnNames {
            let role = name == "__time" ? "time" : dimensions.contains(name) ? "dimension" : "metric"
            columns.append(try ColumnInspection(name, role: role, of: segment))
        }
        self.columns = columns
        projections = []
        var prefixes: [String] = []
        for projection in try segment.projections {
            prefixes.append(projection.schema.name + "/")
            projections.append(
                [
                    "name": .string(projection.schema.name), "rows": .int(Int64(projection.rowCount)),
                    "dimensions": .array(projection.schema.groupingColumns.map { .string($0) }),
                    "metrics": .array(projection.metrics.map { .string($0) }), "size": .int(projection.sizeBytes),
                ]
            )
        }
        let owned = Set(columns.flatMap(\.files) + ["index.drd", "metadata.drd"])
        otherFiles = segment.container.fileNames.filter { file in
            !owned.contains(file) && !prefixes.contains { file.hasPrefix($0) }
        }
    }

    package var json: JSON {
        var object: JSONObject = [
            "segment": .string(place), "rows": .int(Int64(rowCount)),
            "interval": ["start": .int(interval.start), "end": .int(interval.end)],
            "bitmap": .string(bitmap), "size": .int(sizeBytes),
            "ordering": .array(
                ordering.map { ["columnName": .string($0.name), "order": $0.ascending ? "ascending" : "descending"] }
            ),
            "columns": .array(columns.map(\.json)),
            "projections": .array(projections),
            "otherFiles": .array(otherFiles.map { .string($0) }),
        ]
        object["metadata"] = metadata ?? .null
        return .object(object)
    }
}

/// What there is to say of one column.
package struct ColumnInspection: Sendable {
    package var name: String
    /// `time`, `dimension` or `metric`.
    package var role: String
    package var type: ColumnType
    /// The part type of the file: `longV2`, `stringDictionary`, `nestedCommonFormat`, ….
    package var part: String
    /// Encoding of values, and of the dictionary if there is one, in words of the index spec.
    package var encoding: String
    /// `lz4`, …; nil where nothing is compressed in blocks.
    package var compression: String?
    package var hasMultipleValues: Bool
    package var hasNulls: Bool
    /// Distinct values of a dictionary, null counted; nil without one.
    package var cardinality: Int?
    package var hasBitmaps: Bool
    /// Bytes of all internal files of the column.
    package var sizeBytes: Int
    /// Its internal files.
    package var files: [String]

    init(_ name: String, role: String, of segment: Segment) throws(LaminaError) {
        guard let column = try segment.column(name), let descriptor = try segment.descriptor(name) else {
            throw .corrupt("column '\(name)' is not there", at: segment.place)
        }
        self.name = name
        self.role = role
        type = column.type
        part = descriptor.part.json["type"]?.stringValue ?? ""
        let names = segment.columnNames
        files = segment.container.fileNames.filter { Self.owner($0, name, names) }
        sizeBytes = files.reduce(0) { $0 + (segment.container.file($1)?.count ?? 0) }
        encoding = "null"
        hasMultipleValues = false
        hasNulls = true
        hasBitmaps = false
        describe(column)
    }

    /// Sibling files have the column's name in front; the longest matching column owns a file.
    private static func owner(_ file: String, _ name: String, _ names: [String]) -> Bool {
        if file == name { return true }
        guard file.hasPrefix(name + ".") || file.hasPrefix(name + "_"), !names.contains(file) else { return false }
        return !names.contains { other in
            other.utf8.count > name.utf8.count && (file.hasPrefix(other + ".") || file.hasPrefix(other + "_"))
        }
    }

    private mutating func describe(_ column: Column) {
        switch column {
        case .long(let column as StoredLongColumn): describe(column.payload, column.nullRows != nil, column.index)
        case .double(let column as StoredDoubleColumn): describe(column.payload, column.nullRows != nil, column.index)
        case .float(let column as StoredFloatColumn): describe(column.payload, column.nullRows != nil, nil)
        case .string(let column as StoredStringColumn):
            encoding = column.dictionary.encoding
            cardinality = column.cardinality
            hasMultipleValues = column.hasMultipleValues
            hasBitmaps = column.hasBitmaps
            hasNulls = column.nullID != nil
            switch column.ids {
            case .single(let payload): compression = payload.codec?.name
            case .multiple(let payload): compression = payload.codec?.name
            }
        case .string(let column): cardinality = column.cardinality
        case .object(let column as VariantColumn):
            encoding = column.values.strings.encoding
            compression = column.ids.codec?.name
            cardinality = column.values.count
            hasBitmaps = true
            hasNulls = column.hasNulls
        case .object(let column as NestedColumn):
            encoding = "smile, \(column.fields.count) fields"
            compression = column.raw.codecName
            hasNulls = column.hasNulls
        case .object(let column as CompressedComplexColumn):
            encoding = "bytes"
            compression = column.blobs.codecName
            hasNulls = column.hasNulls
        case .object(let column as PairColumn):
            encoding = "pairs"
            compression = "lz4"
            hasNulls = column.hasNulls
        case .object(let column):
            encoding = column is NullObjectColumn ? "null" : "bytes"
            hasNulls = column.hasNulls
        default: break
        }
    }

    private mutating func describe(_ payload: NumberPayload, _ hasNulls: Bool, _ index: NumberIndex?) {
        switch payload.encoding {
        case .plain: encoding = "plain"
        case .delta(let bits): encoding = "delta, \(bits) bits"
        case .table(let size, let bits): encoding = "table of \(size), \(bits) bits"
        }
        compression = payload.codec.name
        self.hasNulls = hasNulls
        cardinality = index.map(\.dictionary.count)
        hasBitmaps = index != nil
    }

    package var json: JSON {
        [
            "name": .string(name), "role": .string(role), "type": .string(type.description), "part": .string(part),
            "encoding": .string(encoding), "compression": compression.map { .string($0) } ?? .null,
            "hasMultipleValues": .bool(hasMultipleValues), "hasNulls": .bool(hasNulls),
            "cardinality": cardinality.map { .int(Int64($0)) } ?? .null, "hasBitmaps": .bool(hasBitmaps),
            "size": .int(Int64(sizeBytes)), "files": .int(Int64(files.count)),
        ]
    }
}
