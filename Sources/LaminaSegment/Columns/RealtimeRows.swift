/// The rows of a segment that still grows: what a stream announces and queries read.
///
/// Safe to call from any thread, also after the segment was handed off: whoever holds it keeps its rows.
///
/// Source: Druid's `Sink`, `FireHydrant`, `ReferenceCountingSegment`.
package protocol RealtimeRows: AnyObject, Sendable {
    /// What it holds at this moment: persisted pieces, then the rows in memory. Every row that was appended before the call is in
    /// exactly one view, none that is half folded; no view changes afterwards. Each has its rows in order of time.
    /// Costs as many steps as there are columns, not rows.
    func views() -> [any SegmentView]

    /// Stored rows (after rollup) at this moment.
    var rowCount: Int { get }
}
