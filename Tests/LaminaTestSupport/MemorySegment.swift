package import LaminaBase
package import LaminaSegment

/// A view over columns in memory, in an order its maker vouches for.
package final class MemorySegment: SegmentView {
    package let rowCount: Int
    package let dataInterval: Interval
    package let timeBounds: (min: Int64, max: Int64)?
    package let ordering: [OrderedColumn]
    package let dimensions: [String]
    package let metrics: [String]
    package let metadata: JSON?
    package var sizeBytes: Int64 { 0 }
    private let columns: [String: Column]

    /// `columns` hold `__time` and any of the dimensions and metrics; what is missing is null.
    package init(
        time: [Int64],
        dataInterval: Interval,
        ordering: [OrderedColumn] = [OrderedColumn("__time")],
        dimensions: [String],
        metrics: [String],
        columns: [String: Column],
        metadata: JSON? = nil
    ) {
        rowCount = time.count
        self.dataInterval = dataInterval
        timeBounds = time.min().flatMap { low in time.max().map { (low, $0) } }
        self.ordering = ordering
        self.dimensions = dimensions
        self.metrics = metrics
        self.metadata = metadata
        var columns = columns
        columns["__time"] = .long(MemoryLongColumn(time))
        self.columns = columns
    }

    package func column(_ name: String) throws(LaminaError) -> Column? { columns[name] }
}
