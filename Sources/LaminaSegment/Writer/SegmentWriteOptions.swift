package import LaminaBase

/// Everything about a segment to be written that is not in its rows.
package struct SegmentWriteOptions: Sendable {
    package var indexSpec = IndexSpec()
    /// Interval for `index.drd`; must contain every row's time. nil takes the view's `dataInterval`.
    package var interval: Interval?
    /// The JSON of `metadata.drd` as Druid prints it (container, aggregators, timestampSpec, queryGranularity, rollup, ordering);
    /// nil leaves the file out.
    package var metadata: JSON?
    /// Form by column name, of projections by the name of the internal file (`projection/column`); columns without an entry are `.plain`.
    package var storage: [String: ColumnStorage] = [:]
    /// False leaves the row bitmaps of string dimensions out (spilled pieces, which are only merged).
    package var writesBitmapIndexes = true
    /// False drops dimensions that are null in every row (`storeEmptyColumns`).
    package var storesEmptyColumns = true
    /// False for work files that need not survive a crash (spilled pieces).
    package var synchronized = true

    /// Compress with LZ4-HC as Druid does: smaller, several times slower to write.
    package var compressesHard = false

    package init() {}
}

/// What was written.
package struct WrittenSegment: Sendable {
    package var rowCount: Int
    /// Sum of the sizes of the directory's files: `size` of Druid's DataSegment.
    package var sizeBytes: Int64
    /// First and last row time; nil without rows.
    package var timeBounds: (min: Int64, max: Int64)?
    /// Dimensions and metrics as stored, in order, all-null ones included unless dropped.
    package var dimensions: [String]
    package var metrics: [String]
    /// Names of its projections.
    package var projections: [String] = []
}
