import LaminaBase
import LaminaBitmaps

/// The values of one path in a nested column, by row.
private struct FieldRows {
    var rows: [UInt32] = []
    var ids: [UInt32] = []
    var elements = ElementRows()
}

/// Columns with structure: raw values as SMILE, and a column of its own for every path.
///
/// Source: Druid's `NestedDataColumnSerializer`, `GlobalDictionaryEncodedFieldColumnWriter`.
extension ColumnWriter {
    func writeNested(
        _ name: String,
        _ column: any ObjectColumn,
        _ scan: AutoColumnScan,
        _ storage: AutoStorage
    ) throws(LaminaError) {
        let paths = scan.paths
        let main = startAuto(name, .complex("json"), hasNulls: scan.hasNullRows, storage)
        let names = StringTable()
        for path in paths { names.append(path) }
        names.seal()
        var list = try GenericIndexedBuilder(main, count: paths.count, isSorted: true)
        for place in paths.indices { list.element(names.value(place)) }
        extendLifetime(names)
        try list.finish("the paths of column \(name)")
        for path in paths { main.append(scan.fields[path]?.stored ?? 0) }
        try smoosh.add(name, main)
        try scan.space.write(name, spec: spec, to: smoosh)

        var places: [String: Int] = [:]
        for (place, path) in paths.enumerated() { places[path] = place }
        var fields = [FieldRows](repeating: FieldRows(), count: paths.count)
        let nullRows = try writeRaw(name, column, scan.space, places, &fields)
        if !nullRows.isEmpty {
            let sink = ByteSink()
            try appendSizedBitmap(nullRows, spec.bitmap, to: sink)
            try smoosh.add(name + ".__nullIndex", sink)
        }
        for (place, path) in paths.enumerated() {
            let sink = ByteSink(capacity: 1 << 14)
            try writeField(fields[place], single: scan.fields[path]?.single, scan.space, to: sink)
            fields[place] = FieldRows()
            try smoosh.add("\(name).__field_\(place)", sink)
        }
    }

    /// Writes the raw values and collects those of the paths; answers the null rows.
    private func writeRaw(
        _ name: String,
        _ column: any ObjectColumn,
        _ space: ValueSpace,
        _ places: [String: Int],
        _ fields: inout [FieldRows]
    ) throws(LaminaError) -> RoaringBitmap {
        var blobs = BlobEncoder(rawCompressor)
        var nullRows = RoaringBitmap()
        let smile = ByteSink()
        defer { extendLifetime(smile) }
        for row in 0..<rowCount {
            let value = try column.value(row: row)
            smile.removeAll()
            if case .null = value {
                nullRows.append(UInt32(row))
            } else {
                SmileEncoder.encode(StructuredValue.raw(value), to: smile)
                forEachField(StructuredValue(value)) { path, field in
                    guard let place = places[path] else { return }
                    switch field {
                    case .leaf(let leaf): fields[place].ids.append(space.id(leaf))
                    case .array(let leaves, _):
                        let members = space.ids(leaves)
                        fields[place].ids.append(space.id(arrayOf: members))
                        fields[place].elements.add(members, row: row)
                    default: return
                    }
                    fields[place].rows.append(UInt32(row))
                }
            }
            try blobs.append(smile.bytes)
        }
        try blobs.finish(name + ".__raw", smoosh)
        return nullRows
    }

    private func writeField(
        _ field: FieldRows,
        single: ColumnType?,
        _ space: ValueSpace,
        to sink: ByteSink
    ) throws(LaminaError) {
        let isCompressed = spec.dimensionCompression != .uncompressed
        sink.append(isCompressed ? 2 : 0)
        sink.bigEndian(Int32(0))
        var local = Array(Set(field.ids))
        // Rows without the path have null there.
        if field.rows.count < rowCount, !local.contains(0) { local.append(0) }
        local.sort()
        try FixedIndexedEncoder.write(ids: local, to: sink)
        var localIDs: [UInt32: UInt32] = [:]
        for (place, id) in local.enumerated() { localIDs[id] = UInt32(place) }
        var ids = [UInt32](repeating: 0, count: rowCount)
        for (place, row) in field.rows.enumerated() { ids[Int(row)] = localIDs[field.ids[place]] ?? 0 }
        try writeFieldNumbers(field, single: single, space, to: sink)
        let memory = ArrayReader(ids)
        defer { extendLifetime(memory) }
        let buffer = try memory.read(0..<rowCount)
        // The width follows the largest id of the whole column that occurs, not the local one.
        let most = Int(local.last ?? 0)
        if isCompressed {
            try IDEncoder.writeCompressed(buffer, max: most, compression: dimensionCompressor, to: sink)
        } else {
            try IDEncoder.writeUncompressed(buffer, max: most, to: sink)
        }
        try RowsByID(ids: buffer, cardinality: local.count).write(spec.bitmap, to: sink)
        // Only columns of nothing but arrays have an index of their elements.
        guard case .array? = single, !field.elements.isEmpty else { return }
        let elementIDs = field.elements.ids
        try FixedIndexedEncoder.write(ids: elementIDs, to: sink)
        try field.elements.writeBitmaps(elementIDs, rowCount: rowCount, spec.bitmap, to: sink)
    }

    /// Lengths of the two numeric payloads, then the payload of a field that is all longs or all doubles.
    private func writeFieldNumbers(
        _ field: FieldRows,
        single: ColumnType?,
        _ space: ValueSpace,
        to sink: ByteSink
    ) throws(LaminaError) {
        let lengthsAt = sink.count
        sink.zeros(8)
        switch single {
        case .long?:
            let first = 1 + space.stringOrder.count
            var values = [Int64](repeating: 0, count: rowCount)
            for (place, row) in field.rows.enumerated() {
                values[Int(row)] = space.longs[Int(field.ids[place]) - first]
            }
            try NumberEncoder.writeLongs(
                ArrayReader(values),
                count: rowCount,
                compression: dimensionCompressor,
                encoding: spec.longEncoding,
                to: sink
            )
            sink.patchLittleEndian(try int32(sink.count - lengthsAt - 8, "a nested field"), at: lengthsAt)
        case .double?:
            let first = 1 + space.stringOrder.count + space.longs.count
            var values = [Double](repeating: 0, count: rowCount)
            for (place, row) in field.rows.enumerated() {
                values[Int(row)] = space.doubles[Int(field.ids[place]) - first]
            }
            try NumberEncoder.writePlain(
                ArrayReader(values),
                count: rowCount,
                compression: dimensionCompressor,
                to: sink
            )
            sink.patchLittleEndian(try int32(sink.count - lengthsAt - 8, "a nested field"), at: lengthsAt + 4)
        default: break
        }
    }
}
