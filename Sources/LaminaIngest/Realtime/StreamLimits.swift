package import LaminaBase

/// The limits in a stream's `tuningConfig`: when rows leave memory, when they are handed off, how many bad ones there may be.
///
/// Source: Druid's `SeekableStreamIndexTaskTuningConfig`; druid-surface 11.1.
package struct StreamLimits: Sendable {
    package var maxRowsInMemory: Int
    package var maxBytesInMemory: Int
    package var maxRowsPerSegment: Int
    /// Stored rows of one sequence.
    package var maxTotalRows: Int
    package var persistMillis: Int64
    package var handoffMillis: Int64
    package var maxParseExceptions: Int
    package var maxSavedParseExceptions: Int
    package var logsParseExceptions: Bool

    /// Druid's is a sixth of the heap; here it bounds half of what a stream's rows take, as others come while these are written.
    package static let maxBytesInMemoryDefault = 256 << 20

    package init(_ node: SpecNode?) throws(LaminaError) {
        let node = node ?? SpecNode(.object([:]), path: "tuningConfig")
        _ = try node.object()
        func positive(_ key: String, _ fallback: Int) throws(LaminaError) -> Int {
            let number = try node.int(key, default: 0)
            return number > 0 ? Int(clamping: number) : fallback
        }
        maxRowsInMemory = try positive("maxRowsInMemory", 150_000)
        let bytes = try node.int("maxBytesInMemory", default: 0)
        maxBytesInMemory = bytes > 0 ? Int(clamping: bytes) : bytes < 0 ? .max : Self.maxBytesInMemoryDefault
        maxRowsPerSegment = try positive("maxRowsPerSegment", 5_000_000)
        maxTotalRows = try positive("maxTotalRows", PartitionsSpec.maxTotalRowsDefault)
        persistMillis = try StreamSpec.duration(node, "intermediatePersistPeriod") ?? 600_000
        handoffMillis = try StreamSpec.duration(node, "intermediateHandoffPeriod") ?? .max
        guard persistMillis > 0, handoffMillis > 0 else { throw node.error("has a period that is not positive") }
        let reports = try node.bool("reportParseExceptions", default: false)
        let limit = try node.int("maxParseExceptions", default: Int64(Int32.max))
        maxParseExceptions = reports ? 0 : Int(clamping: limit)
        let saved = try node.int("maxSavedParseExceptions", default: 0)
        maxSavedParseExceptions = max(Int(clamping: min(saved, 10_000)), reports ? 1 : 0)
        logsParseExceptions = try node.bool("logParseExceptions", default: false)
    }
}
