package import LaminaBase

/// A fixed set of rows with named columns: the only thing the engine knows of a segment.
///
/// It does not change while a query holds it. A realtime segment hands out such a view of the rows it had at that moment.
package protocol SegmentView: AnyObject, Sendable {
    var rowCount: Int { get }
    /// The interval written in the segment (index.drd), which contains every row's time.
    var dataInterval: Interval { get }
    /// First and last row time; nil without rows.
    var timeBounds: (min: Int64, max: Int64)? { get throws(LaminaError) }
    /// Order of the rows; `__time` first unless the segment says otherwise.
    var ordering: [OrderedColumn] { get }
    /// Stored dimensions in order, without `__time`; also the all-null ones.
    var dimensions: [String] { get }
    /// Stored metrics in order.
    var metrics: [String] { get }
    /// A column by name, `__time` included; nil when the segment has none of that name (all rows null).
    func column(_ name: String) throws(LaminaError) -> Column?
    /// Bytes of `metadata.drd` as JSON (aggregators, rollup, queryGranularity, …) if present and readable.
    var metadata: JSON? { get }
    /// Total bytes on disk.
    var sizeBytes: Int64 { get }
    /// The rows grouped and aggregated in advance, in the order of the segment's list.
    var projections: [any ProjectionView] { get throws(LaminaError) }
    /// All columns in the order a scan without a list of columns shows them.
    var columnNames: [String] { get }
    /// Whether the column's maker left its type open: answers then name none.
    func isUntyped(_ column: String) -> Bool
}

extension SegmentView {
    package var projections: [any ProjectionView] { get throws(LaminaError) { [] } }

    /// Whether rows are in ascending order of time.
    package var isTimeOrdered: Bool {
        guard let first = ordering.first else { return true }
        return first.name == "__time" && first.ascending
    }

    package var columnNames: [String] { ["__time"] + dimensions + metrics }

    package func isUntyped(_ column: String) -> Bool { false }
}

/// One entry of a row ordering.
package struct OrderedColumn: Sendable, Hashable {
    package var name: String
    package var ascending: Bool

    package init(_ name: String, ascending: Bool = true) {
        self.name = name
        self.ascending = ascending
    }
}
