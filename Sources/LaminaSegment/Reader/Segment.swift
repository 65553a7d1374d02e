package import LaminaBase
import LaminaBitmaps
import Synchronization

/// A Druid V9 segment, mapped where it lies.
///
/// Opening reads only the lists of files and columns; a column is checked whole when it is first asked for, its blocks when they
/// are decoded. Nothing in the bytes can make it crash: what does not fit together is an error with file and byte in it.
/// Source: `IndexIO.V9IndexLoader`.
package final class Segment: SegmentView {
    package let rowCount: Int
    package let dataInterval: Interval
    package let ordering: [OrderedColumn]
    package let dimensions: [String]
    package let metrics: [String]
    package let metadata: JSON?
    /// The form of bitmaps that index.drd names.
    package let bitmap: IndexSpec.Bitmap
    let container: SegmentContainer
    let reader: ColumnReading
    private let stored: Set<String>
    private let projectionSchemas: [(schema: ProjectionSchema, rowCount: Int)]
    private let columns = Mutex<[String: Column]>([:])
    private let bounds = Mutex<(min: Int64, max: Int64)?>(nil)

    /// Opens the folder with the files of a segment, a folder that has `index/` or `index.zip` in it, or an `index.zip`.
    package static func open(path: String, cache: BlockCache = .shared) throws(LaminaError) -> Segment {
        try Segment(SegmentContainer(path: path), cache: cache)
    }

    /// A segment whose files (`version.bin`, `meta.smoosh`, `00000.smoosh`, …) are in memory.
    package static func open(
        files: [String: [UInt8]],
        place: String,
        cache: BlockCache = .shared
    ) throws(LaminaError) -> Segment {
        try Segment(SegmentContainer(files: files, place: place), cache: cache)
    }

    init(_ container: SegmentContainer, cache: BlockCache) throws(LaminaError) {
        self.container = container
        guard let indexFile = container.file("index.drd") else {
            throw .corrupt("there is no internal file 'index.drd'", at: container.place)
        }
        let index = try IndexFile(indexFile) { container.file($0) }
        dimensions = index.dimensions
        metrics = index.metrics
        dataInterval = index.interval
        bitmap = index.bitmap
        for name in ["__time"] + dimensions + metrics where container.file(name) == nil {
            throw .corrupt("there is no internal file for column '\(name)'", at: container.place)
        }
        stored = Set(["__time"] + dimensions + metrics)
        metadata = container.file("metadata.drd").flatMap { try? JSONParser.parse($0.array) }
        ordering = Self.ordering(metadata)
        var projections: [(schema: ProjectionSchema, rowCount: Int)] = []
        for entry in metadata?["projections"]?.arrayValue ?? [] {
            var rowCount = 0
            if let schema = ProjectionSchema(entry, rowCount: &rowCount) { projections.append((schema, rowCount)) }
        }
        projectionSchemas = projections
        let unknownRows = ColumnReading(container: container, cache: cache, rowCount: -1)
        rowCount = try Self.rowCount(unknownRows)
        reader = ColumnReading(container: container, cache: cache, rowCount: rowCount)
    }

    /// The number of rows is the length of `__time`.
    private static func rowCount(_ reader: ColumnReading) throws(LaminaError) -> Int {
        let (descriptor, body) = try ColumnOpener.descriptor(try reader.require("__time"))
        guard case .number(.long, let isV2, let bigEndian, _) = descriptor.part else {
            throw .corrupt("__time is no long column", at: reader.container.place)
        }
        var cursor = ByteCursor(body)
        if isV2 { cursor = ByteCursor(try cursor.take(try cursor.count("the length of numbers"))) }
        let order: ByteOrder = bigEndian ? .big : .little
        return try NumberPayload(&cursor, kind: .long, order: order, rowCount: nil, reader: reader).store.count
    }

    /// `metadata.ordering`; without it rows are in order of time.
    private static func ordering(_ metadata: JSON?) -> [OrderedColumn] {
        guard let entries = metadata?["ordering"]?.arrayValue else { return [OrderedColumn("__time")] }
        var ordering: [OrderedColumn] = []
        for entry in entries {
            guard let name = entry["columnName"]?.stringValue else { continue }
            ordering.append(OrderedColumn(name, ascending: entry["order"]?.stringValue != "descending"))
        }
        return ordering.isEmpty ? [OrderedColumn("__time")] : ordering
    }

    package var sizeBytes: Int64 { Int64(container.byteCount) }

    /// Where the segment was opened.
    package var place: String { container.place }

    package func column(_ name: String) throws(LaminaError) -> Column? {
        guard stored.contains(name) else { return nil }
        return try opened(name) { () throws(LaminaError) in try ColumnOpener(name: name, reader: reader) }
    }

    /// The column of an internal file, opened when first asked for.
    private func opened(_ file: String, _ opener: () throws(LaminaError) -> ColumnOpener) throws(LaminaError) -> Column
    {
        if let column = columns.withLock({ $0[file] }) { return column }
        let column: Column
        do throws(LaminaError) {
            column = try opener().open()
        } catch {
            throw error.inColumn(file, of: place)
        }
        // Two threads may have opened it at once; both must use the same blocks.
        return columns.withLock { columns in
            if let first = columns[file] { return first }
            columns[file] = column
            return column
        }
    }

    package var projections: [any ProjectionView] {
        get throws(LaminaError) {
            projectionSchemas.map { StoredProjection($0.schema, rowCount: $0.rowCount, of: self) }
        }
    }

    /// A column of a projection, which shares the dictionary of the base table's column of its name.
    func column(_ name: String, of projection: ProjectionSchema, rowCount: Int) throws(LaminaError) -> Column? {
        let parent = dimensions.contains(name) ? try column(name) : nil
        let rows = ColumnReading(container: container, cache: reader.cache, rowCount: rowCount)
        return try opened(projection.fileName(name)) { () throws(LaminaError) in
            try ColumnOpener(name: projection.fileName(name), reader: rows, parent: parent)
        }
    }

    /// The bytes of the internal files of some names.
    func fileSize(where isWanted: (String) -> Bool) -> Int {
        container.fileNames.reduce(0) { $0 + (isWanted($1) ? container.file($1)?.count ?? 0 : 0) }
    }

    /// The JSON at the head of a column's file; nil when there is no such column.
    package func descriptor(_ name: String) throws(LaminaError) -> ColumnDescriptor? {
        guard stored.contains(name) else { return nil }
        return try descriptor(ofFile: name)
    }

    /// The JSON at the head of a column's file, a projection's too.
    func descriptor(ofFile name: String) throws(LaminaError) -> ColumnDescriptor {
        do throws(LaminaError) {
            return try ColumnOpener.descriptor(try reader.require(name)).0
        } catch {
            throw error.inColumn(name, of: place)
        }
    }

    package var timeBounds: (min: Int64, max: Int64)? {
        get throws(LaminaError) {
            guard rowCount > 0 else { return nil }
            if let known = bounds.withLock({ $0 }) { return known }
            guard case .long(let time)? = try column("__time") else { return nil }
            let result = try boundsOfTimes(time, rowCount: rowCount, isOrdered: isTimeOrdered, at: place)
            bounds.withLock { $0 = result }
            return result
        }
    }
}

extension LaminaError {
    /// The same error, saying in which column of which segment.
    fileprivate func inColumn(_ name: String, of place: String) -> LaminaError {
        var error = self
        error.message = "Column '\(name)' of \(place): \(message)"
        error.context["column"] = name
        error.context["segment"] = place
        return error
    }
}
