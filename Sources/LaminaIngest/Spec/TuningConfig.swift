package import LaminaBase
package import LaminaSegment

/// Limits and encodings of one indexing task; keys that only steer Druid's subtasks are read and have no effect.
///
/// Source: Druid's `ParallelIndexTuningConfig`, `IndexTask.IndexTuningConfig`.
package struct TuningConfig: Sendable {
    package var partitions: PartitionsSpec
    package var maxRowsInMemory: Int
    /// Bytes of the in-memory index beyond which it is spilled.
    package var maxBytesInMemory: Int
    package var indexSpec: IndexSpec
    package var maxParseExceptions: Int
    package var maxSavedParseExceptions: Int
    package var logsParseExceptions: Bool
    package var forcesGuaranteedRollup: Bool
    package var maxConcurrentSubTasks: Int
    /// Lamina's own.
    package var dedup: DedupSpec?

    package static let maxRowsInMemoryDefault = 1_000_000
    package static let maxBytesInMemoryDefault = 1 << 30

    /// - Parameter isHadoop: of an `index_hadoop` task, which always rolls up perfectly unless partitions are dynamic.
    package init(_ node: SpecNode?, isHadoop: Bool = false) throws(LaminaError) {
        let node = node ?? SpecNode(.object([:]), path: "tuningConfig")
        _ = try node.object()
        let rows = try node.int("maxRowsInMemory", default: 0)
        maxRowsInMemory = rows > 0 ? Int(clamping: rows) : Self.maxRowsInMemoryDefault
        let bytes = try node.int("maxBytesInMemory", default: 0)
        // -1 lifts Druid's limit; memory stays bounded by rows then.
        maxBytesInMemory = bytes > 0 ? Int(clamping: bytes) : bytes < 0 ? Int.max : Self.maxBytesInMemoryDefault
        indexSpec = try IndexSpec(json: node.child("indexSpec")?.json ?? .null)
        // Checked as Druid checks it; Lamina's spilled rows are no segments and have no such encoding.
        if let child = node.child("indexSpecForIntermediatePersists") { _ = try IndexSpec(json: child.json) }
        let reports = try node.bool("reportParseExceptions", default: false)
        let limit = try node.int("maxParseExceptions", default: Int64(Int32.max))
        maxParseExceptions = reports ? 0 : Int(clamping: limit)
        let saved = try node.int("maxSavedParseExceptions", default: 0)
        maxSavedParseExceptions = max(Int(clamping: saved), reports ? 1 : 0)
        logsParseExceptions = try node.bool("logParseExceptions", default: false)
        let isDynamic = node.child("partitionsSpec")?.json["type"] == "dynamic"
        forcesGuaranteedRollup = try isHadoop ? !isDynamic : node.bool("forceGuaranteedRollup", default: false)
        maxConcurrentSubTasks = Int(clamping: try node.int("maxNumConcurrentSubTasks", default: 1))
        guard maxConcurrentSubTasks > 0 else { throw node.error("must have a positive maxNumConcurrentSubTasks") }
        partitions = try Self.partitions(node, guaranteed: forcesGuaranteedRollup)
        dedup = nil
        if let child = node.child("dedup") { dedup = try DedupSpec(child) }
    }

    private static func partitions(_ node: SpecNode, guaranteed: Bool) throws(LaminaError) -> PartitionsSpec {
        guard let child = node.child("partitionsSpec") else {
            // Older specs name the numbers in the tuningConfig itself.
            var rows = try node.int("maxRowsPerSegment", default: 0)
            if rows == 0 { rows = try node.int("targetPartitionSize", default: 0) }
            let total = try node.int("maxTotalRows", default: 0)
            if guaranteed {
                return .hashed(buckets: nil, targetRows: rows > 0 ? Int(clamping: rows) : 5_000_000, dimensions: [])
            }
            return .dynamic(
                maxRowsPerSegment: rows > 0 ? Int(clamping: rows) : 5_000_000,
                maxTotalRows: total > 0 ? Int(clamping: total) : PartitionsSpec.maxTotalRowsDefault
            )
        }
        let spec = try PartitionsSpec(child)
        if guaranteed, spec.isDynamic {
            throw child.error("is dynamic, which cannot be used for perfect rollup (forceGuaranteedRollup)")
        }
        if !guaranteed, !spec.isDynamic {
            throw child.error("needs forceGuaranteedRollup: only dynamic partitions can be used for best-effort rollup")
        }
        return spec
    }
}
