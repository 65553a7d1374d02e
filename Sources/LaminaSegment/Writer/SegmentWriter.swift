package import LaminaBase
import LaminaCompression

/// Writes the rows of a view as one V9 segment directory: `version.bin`, `factory.json`, `meta.smoosh`, `00000.smoosh`, ….
///
/// Source: Druid's `IndexMergerV9`, `FileSmoosher`.
package enum SegmentWriter {
    /// Writes every row of `view`, in its order (which must be the view's `ordering`), to `directory` (made if missing, else empty).
    ///
    /// String dictionaries need not be sorted. Columns are read front to back, several times each, one column at a time. Throws
    /// for names with commas or line breaks, for a column beyond 2 GiB, for rows outside the interval, and when writing fails;
    /// the directory is then incomplete and belongs to the caller to remove.
    package static func write(
        _ view: any SegmentView,
        to directory: String,
        options: SegmentWriteOptions
    ) throws(LaminaError) -> WrittenSegment {
        let interval = options.interval ?? view.dataInterval
        let bounds = try view.timeBounds
        if let bounds, bounds.min < interval.start || bounds.max >= interval.end {
            throw .invalidInput(
                "rows from \(bounds.min) to \(bounds.max) do not lie in \(interval.start)/\(interval.end)"
            )
        }
        let smoosh = try SmooshWriter(directory: directory, isSynchronized: options.synchronized)
        try smoosh.addLoose("version.bin", [0, 0, 0, 9])
        try smoosh.addLoose("factory.json", Array("{\"type\":\"mMapSegmentFactory\"}".utf8))
        let projections = try view.projections
        let dictionaries = projections.isEmpty ? nil : DictionarySizes()
        let writer = ColumnWriter(
            smoosh: smoosh,
            spec: options.indexSpec,
            rowCount: view.rowCount,
            storesEmptyColumns: options.storesEmptyColumns,
            writesBitmapIndexes: options.writesBitmapIndexes,
            effort: options.compressesHard ? .high : .fast,
            dictionaries: dictionaries
        )
        guard case .long(let time)? = try view.column("__time") else {
            throw LaminaError(.defensive, code: "noTime", "a segment must have a long column __time")
        }
        try writer.writeLongs("__time", time)
        for name in view.metrics {
            guard try writer.write(name, view.column(name), options.storage[name] ?? .plain) == .stored else {
                throw .unsupported("a metric column without a type (\(name))")
            }
        }
        var dimensions: [(name: String, stored: ColumnWriter.Stored)] = []
        for name in view.dimensions {
            dimensions.append((name, try writer.write(name, view.column(name), options.storage[name] ?? .plain)))
        }
        for projection in projections {
            try writer.write(projection, baseDimensions: view.dimensions, storage: options.storage)
        }
        let list = IndexList(metrics: view.metrics, dimensions: dimensions, interval: interval)
        try smoosh.add("index.drd", try list.encode(options.indexSpec.bitmap))
        if let metadata = options.metadata {
            let sink = ByteSink()
            sink.append(utf8: metadata.listing(projections).text)
            try smoosh.add("metadata.drd", sink)
        }
        try smoosh.finish()
        return WrittenSegment(
            rowCount: view.rowCount,
            sizeBytes: smoosh.totalBytes,
            timeBounds: bounds,
            dimensions: dimensions.filter { $0.stored != .dropped }.map(\.name),
            metrics: view.metrics,
            projections: projections.map(\.schema.name)
        )
    }
}

extension JSON {
    /// `metadata.drd` with the projections that were written.
    fileprivate func listing(_ projections: [any ProjectionView]) -> JSON {
        guard !projections.isEmpty, case .object(var object) = self else { return self }
        object["projections"] = .array(projections.map { $0.schema.json(rowCount: $0.rowCount) })
        return .object(object)
    }
}

/// Writes single columns into a segment; see its extensions for the forms.
struct ColumnWriter {
    /// What became of a column.
    enum Stored {
        case stored
        /// Without any value: only its name is kept.
        case allNull
        case dropped
    }

    let smoosh: SmooshWriter
    let spec: IndexSpec
    var rowCount: Int
    let storesEmptyColumns: Bool
    let writesBitmapIndexes: Bool
    let effort: BlockCodec.Effort
    /// Sizes of the dictionaries written, where projections are to share them.
    var dictionaries: DictionarySizes?
    /// The base table's column whose dictionary is that of the column being written, so that none is written.
    var parent: String?

    func write(_ name: String, _ column: Column?, _ storage: ColumnStorage) throws(LaminaError) -> Stored {
        switch storage {
        case .allNull(let numRows):
            guard storesEmptyColumns else { return .dropped }
            try writeAllNull(name, numRows: numRows)
            return .allNull
        case .auto(let auto):
            try writeAuto(name, column, auto)
            return .stored
        case .plain(let bitmapIndex): return try writePlain(name, column, bitmapIndex: bitmapIndex)
        case .complex(let isAscending):
            guard case .object(let objects)? = column, case .complex(let typeName) = objects.type else {
                return try writePlain(name, column, bitmapIndex: true)
            }
            try writeComplex(name, objects, typeName: typeName, isAscending: isAscending)
            return .stored
        }
    }

    private func writePlain(_ name: String, _ column: Column?, bitmapIndex: Bool) throws(LaminaError) -> Stored {
        switch column {
        case .long(let longs)?: try writeLongs(name, longs)
        case .float(let floats)?: try writeFloats(name, floats)
        case .double(let doubles)?: try writeDoubles(name, doubles)
        case .string(let strings)?:
            return try writeStrings(name, strings, bitmapIndex: bitmapIndex && writesBitmapIndexes)
        case .object(let objects)?:
            guard case .complex(let typeName) = objects.type, typeName != "json" else {
                try writeAuto(name, column, AutoStorage())
                return .stored
            }
            try writeComplex(name, objects, typeName: typeName, isAscending: rowCount < 2)
        case nil:
            guard storesEmptyColumns else { return .dropped }
            try writeAllNull(name, numRows: rowCount)
            return .allNull
        }
        return .stored
    }
}

/// The content of `index.drd`.
///
/// Source: Druid's `IndexMergerV9.makeIndexBinary`.
struct IndexList {
    var metrics: [String]
    var dimensions: [(name: String, stored: ColumnWriter.Stored)]
    var interval: Interval

    func encode(_ bitmap: IndexSpec.Bitmap) throws(LaminaError) -> ByteSink {
        let sink = ByteSink()
        let withValues = dimensions.filter { $0.stored == .stored }.map(\.name)
        try append(metrics + withValues, to: sink)
        try append(withValues, to: sink)
        sink.bigEndian(interval.start)
        sink.bigEndian(interval.end)
        sink.lengthPrefixed(bitmap.json.text)
        // The full order: null stands for the next name of the lists above, a name for a column without values.
        let all = dimensions.filter { $0.stored != .dropped }.map { $0.stored == .allNull ? $0.name : nil }
        try append(metrics.map { _ in nil } + all, to: sink)
        try append(all, to: sink)
        return sink
    }

    private func append(_ names: [String?], to sink: ByteSink) throws(LaminaError) {
        var list = try GenericIndexedBuilder(sink, count: names.count, isSorted: Self.isAscending(names))
        for name in names {
            if let name {
                list.begin()
                sink.append(utf8: name)
                list.end()
            } else {
                list.null()
            }
        }
        try list.finish("the list of columns")
    }

    /// Druid compares each name with the one before it, unless that is null: nulls alone ascend, null after a name does not.
    private static func isAscending(_ names: [String?]) -> Bool {
        for (before, name) in zip(names, names.dropFirst()) {
            guard let before else { continue }
            guard let name, before.utf16.lexicographicallyPrecedes(name.utf16) else { return false }
        }
        return true
    }
}
