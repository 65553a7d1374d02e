package import LaminaBase

/// What a task lends to the job it runs: locks, what is stored already, and somewhere to report to.
package protocol IndexJobHost: SegmentLibrary {
    /// Polled once per batch; when true the job throws a `.canceled` error.
    var isCancelled: Bool { get }

    /// Takes locks on all intervals at once, waiting while others hold them.
    ///
    /// Called once: at the start when the spec names intervals, else after reading, when the chunks are known.
    /// - Returns: the locks' version, greater than every stored one there.
    func lock(_ intervals: [Interval], appending: Bool) throws(LaminaError) -> String

    /// New partitions for appended rows of a chunk, behind those that are there, in their version; of a chunk that contains this one
    /// when there is such. No other task or stream gets the same ones.
    func allocate(_ chunk: Interval, count: Int) throws(LaminaError) -> [DataSegment]

    /// Visible segments of the task's datasource that overlap the interval: used ones, and those of streams.
    func usedSegments(overlapping interval: Interval) throws(LaminaError) -> [DataSegment]

    /// A line for the task's log.
    func log(_ line: String)

    func progress(_ progress: IndexProgress)
}

/// How far a job is.
package struct IndexProgress: Sendable, Hashable {
    /// Druid's ingestion state: `DETERMINE_PARTITIONS`, `BUILD_SEGMENTS`, ….
    package var phase: String
    package var rowsRead: Int64
    package var rowsPerSecond: Double
    package var bytesRead: Int64

    package init(phase: String, rowsRead: Int64, rowsPerSecond: Double, bytesRead: Int64) {
        self.phase = phase
        self.rowsRead = rowsRead
        self.rowsPerSecond = rowsPerSecond
        self.bytesRead = bytesRead
    }
}

/// What a successful job hands over for publishing.
package struct IndexJobResult: Sendable {
    /// `folder` holds `version.bin`, `meta.smoosh`, …; nil for tombstones. `loadSpec` and `size` are the task's to fill in.
    package var segments: [(segment: DataSegment, folder: String?)]
    /// Druid's `ingestionStatsAndErrors` payload without `segmentsPublished`.
    package var reportPayload: JSONObject

    package init(segments: [(segment: DataSegment, folder: String?)], reportPayload: JSONObject) {
        self.segments = segments
        self.reportPayload = reportPayload
    }
}

/// Why a job failed, with the report of how far it came.
package struct IndexJobFailure: Error, Sendable {
    package var error: LaminaError
    package var reportPayload: JSONObject

    package init(error: LaminaError, reportPayload: JSONObject) {
        self.error = error
        self.reportPayload = reportPayload
    }
}
