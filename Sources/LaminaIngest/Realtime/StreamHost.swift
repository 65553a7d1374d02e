package import LaminaBase
package import LaminaSegment

/// A built segment of a stream, ready to be published.
package struct BuiltStreamSegment: Sendable {
    /// As it was opened, with dimensions and metrics filled in; `loadSpec` and `size` are the host's to fill in.
    package var segment: DataSegment
    /// Holds `version.bin`, `meta.smoosh`, …; nil when the segment came out without rows, and is only to be withdrawn.
    package var folder: String?

    package init(segment: DataSegment, folder: String?) {
        self.segment = segment
        self.folder = folder
    }
}

/// What the rest of the server lends to a stream that indexes.
package protocol StreamHost: AnyObject, Sendable {
    /// A new segment for rows at `time`: in the visible chunk that holds it, or a new one of the granularity; allocated durably (a
    /// pending segment) so that nobody else gets the same, and announced to queries.
    ///
    /// - Parameter make: the segment's rows; called once, before it is announced.
    func open(
        time: Int64,
        granularity: Granularity,
        sequence: String,
        make: (DataSegment) throws(LaminaError) -> any RealtimeRows
    ) throws(LaminaError) -> DataSegment

    /// After a restart: announces a segment again that was opened before, under its own identity and those it was upgraded to.
    /// - Returns: false when no query may see it any more (replaced, or published): its rows are to be dropped.
    func reopen(_ segment: DataSegment, rows: any RealtimeRows) throws(LaminaError) -> Bool

    /// Takes segments from queries without publishing them (reset, terminate).
    func withdraw(_ segments: [DataSegment]) throws(LaminaError)

    /// Moves the folders into deep storage and, in one metadata transaction, publishes the segments (under every identity they have
    /// by now; those replaced meanwhile are left out) and moves the stream's committed position from `start` to `end`; queries
    /// see the published ones instead of the announced ones in one step.
    ///
    /// - Parameter work: a folder of the stream's own, where the list of what is being moved is kept for recovery.
    /// - Errors: `conflict` when the committed position is not `start`: nothing was published.
    func publish(
        _ built: [BuiltStreamSegment],
        from start: StreamPosition,
        to end: StreamPosition,
        work: String
    ) throws(LaminaError)

    /// What is committed: nil when nothing ever was.
    func committed() throws(LaminaError) -> StreamPosition?

    func log(_ line: String)
}
