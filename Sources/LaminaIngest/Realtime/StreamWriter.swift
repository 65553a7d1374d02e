package import LaminaBase

/// Who writes rows of a stream into segments that still grow.
package protocol StreamWriter: AnyObject, Sendable {
    /// Closes the open segments that overlap the intervals, at a batch boundary, and makes them durable together with the position
    /// behind their last row, before it returns: rows that come later go to new segments, also after a crash. From any thread.
    @discardableResult
    func cut(_ intervals: [Interval]) throws(LaminaError) -> StreamCut

    /// Publishes what was taken in so far, in the background; goes on taking rows. From any thread.
    func handOff()
}

/// Where a writer was at a cut.
package struct StreamCut: Sendable {
    /// Behind the rows that were there.
    package var position: StreamPosition = [:]
    /// Where these rows are, whatever their times; what is opened later is not among them.
    package var segments: Set<SegmentID> = []

    package init() {}

    /// Takes in the cut of a further writer.
    package mutating func add(_ other: StreamCut) {
        position.merge(other.position) { _, new in new }
        segments.formUnion(other.segments)
    }
}
