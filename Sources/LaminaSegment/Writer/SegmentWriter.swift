package import LaminaBase

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
        throw .unsupported("writing segments")
    }
}
