package import LaminaBase
package import LaminaSegment

/// Stored segments of all datasources, for jobs that read them.
package protocol SegmentLibrary: AnyObject, Sendable {
    /// The visible stretches of a datasource that meet an interval, clipped to it, in order of time.
    func visibleSegments(of dataSource: String, in interval: Interval) throws(LaminaError) -> [SegmentTimeline.Entry]

    /// A used segment by its id; nil when there is none.
    func usedSegment(_ id: String, of dataSource: String) throws(LaminaError) -> DataSegment?

    /// Maps a segment where it is stored; its files stay readable as long as it is held.
    func openSegment(_ segment: DataSegment) throws(LaminaError) -> Segment
}
