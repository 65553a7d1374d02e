package import LaminaBase
package import LaminaSegment

/// Prepares rows of a view as a stream's rows are prepared, and appends them to a realtime segment: what tests and tools fill
/// segments with, whose values no text format holds.
package struct RowFeeder: Sendable {
    private let preparer: RowPreparer
    /// What segments made of these rows look like.
    private let schema: SegmentSchema

    /// - Parameters:
    ///   - spec: `__time` is the time column to name; its sources are not read.
    ///   - interval: of the segments.
    package init(_ spec: IndexTaskSpec, interval: Interval) throws(LaminaError) {
        guard let dimensions = spec.dimensions else { throw .invalidInput("a schema must have dimensions") }
        preparer = try RowPreparer(
            spec,
            dimensions: dimensions,
            chunks: ChunkFinder.Rule(fixed: [interval], granularity: nil, existing: []),
            partitioner: .none
        )
        schema = SegmentSchema(spec, dimensions: dimensions.dimensions, metrics: preparer.metrics)
    }

    /// A segment without rows, or one opened again from its pieces.
    package func open(
        _ segment: DataSegment,
        folder: String,
        pieces: [String] = []
    ) throws(LaminaError) -> RealtimeSegment {
        try RealtimeSegment(schema: schema, segment: segment, folder: folder, pieces: pieces)
    }

    /// Appends the given rows of a view (ascending), whose columns are fields by their names.
    package func append(
        _ view: any SegmentView,
        rows: [UInt32],
        to segment: RealtimeSegment
    ) throws(LaminaError) {
        var reader = SegmentBatchReader(view, rows, keepsEmptyLists: true)
        for name in view.columnNames { try reader.add(name) }
        let batch = RowBatch(
            sequence: 0,
            rowCount: reader.rowCount,
            fields: reader.fields,
            owning: reader.takeBytes(),
            inputBytes: 0
        )
        let prepared = preparer.prepare(batch)
        if let failure = prepared.failure { throw failure }
        guard prepared.errors.isEmpty, prepared.count == rows.count else {
            throw .invalidInput("\(rows.count - prepared.count) rows cannot be taken in")
        }
        try segment.append(prepared)
    }
}
