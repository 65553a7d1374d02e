package import LaminaBase

/// Merges sorted views (spilled pieces, in-memory views, whole segments) into one, row by row in the given order, without row
/// objects: the row order is found once over the ordering columns, then every column is streamed through it.
///
/// Source: Druid's `IndexMergerV9.merge` and `RowCombiningTimeAndDimsIterator`.
package struct SegmentMerger: Sendable {
    /// Order that every piece's rows are in and the result's will be.
    package var ordering: [OrderedColumn]
    /// Dimensions and metrics of the result in order; a piece that lacks one has null there.
    package var dimensions: [String]
    package var metrics: [String]
    /// With rollup: the combiner of every metric; rows that agree in `__time` and all dimensions become one. nil keeps all rows.
    package var rollup: [String: MetricCombiner]?

    package init(
        ordering: [OrderedColumn],
        dimensions: [String],
        metrics: [String],
        rollup: [String: MetricCombiner]? = nil
    ) {
        self.ordering = ordering
        self.dimensions = dimensions
        self.metrics = metrics
        self.rollup = rollup
    }

    /// Writes the merged rows to `directory` (made if missing, else empty).
    package func merge(
        _ pieces: [any SegmentView],
        to directory: String,
        options: SegmentWriteOptions
    ) throws(LaminaError) -> WrittenSegment {
        try SegmentWriter.write(view(of: pieces), to: directory, options: options)
    }
}

extension SegmentMerger {
    /// The merged rows as a view whose columns stream through the pieces; read it front to back.
    package func view(of pieces: [any SegmentView]) throws(LaminaError) -> any SegmentView {
        try MergedView(self, pieces)
    }
}
