import LaminaBase
import LaminaSegment

/// A piece, or the rows in memory, of a realtime segment that has several: with the times of the whole segment, so that a query
/// fills buckets between them as it does within one segment.
final class PartOfSegment: SegmentView {
    private let base: any SegmentView
    let timeBounds: (min: Int64, max: Int64)?

    init(_ base: any SegmentView, bounds: (min: Int64, max: Int64)?) {
        self.base = base
        timeBounds = bounds
    }

    var rowCount: Int { base.rowCount }
    var dataInterval: Interval { base.dataInterval }
    var ordering: [OrderedColumn] { base.ordering }
    var dimensions: [String] { base.dimensions }
    var metrics: [String] { base.metrics }
    var metadata: JSON? { base.metadata }
    var sizeBytes: Int64 { base.sizeBytes }
    func column(_ name: String) throws(LaminaError) -> Column? { try base.column(name) }
}
