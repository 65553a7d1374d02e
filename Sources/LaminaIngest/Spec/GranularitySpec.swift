package import LaminaBase

/// How rows are cut into time chunks and how far their times are truncated.
///
/// Source: Druid's `UniformGranularitySpec` and `ArbitraryGranularitySpec`.
package struct GranularitySpec: Sendable {
    /// nil: `arbitrary`, chunks are the listed intervals themselves.
    package var segmentGranularity: Granularity?
    package var queryGranularity: Granularity
    package var rollup: Bool
    /// Condensed and sorted; empty when not given.
    package var intervals: [Interval]

    package init(_ node: SpecNode?) throws(LaminaError) {
        let node = node ?? SpecNode(.object([:]), path: "granularitySpec")
        _ = try node.object()
        let type = try node.string("type", default: "uniform")
        rollup = try node.bool("rollup", default: true)
        queryGranularity = .none
        if let child = node.child("queryGranularity") { queryGranularity = try Self.granularity(child) }
        intervals = try Self.intervals(node)
        switch type {
        case "uniform":
            intervals = Interval.condensed(intervals)
            segmentGranularity = .day
            if let child = node.child("segmentGranularity") { segmentGranularity = try Self.granularity(child) }
            if segmentGranularity?.isNone == true {
                throw .unsupported("\(node.path).segmentGranularity NONE (a segment for every millisecond)")
            }
        case "arbitrary":
            segmentGranularity = nil
            intervals.sort()
            for (left, right) in zip(intervals, intervals.dropFirst()) where left.overlaps(right) {
                throw node.error("has overlapping intervals: \(left.text), \(right.text)")
            }
            if intervals.isEmpty { throw .unsupported("\(node.path): arbitrary granularity without intervals") }
        default: throw node.error("has the unknown type \"\(type)\"; known are uniform, arbitrary")
        }
    }

    private static func granularity(_ node: SpecNode) throws(LaminaError) -> Granularity {
        do throws(LaminaError) {
            return try Granularity(json: node.json)
        } catch {
            throw node.error("is no granularity: \(error.message)")
        }
    }

    private static func intervals(_ node: SpecNode) throws(LaminaError) -> [Interval] {
        guard let child = node.child("intervals") else { return [] }
        var nodes = [child]
        if case .array = child.json { nodes = try child.list() }
        var out: [Interval] = []
        for entry in nodes {
            do throws(LaminaError) {
                out.append(try Interval(parsing: entry.string()))
            } catch {
                throw entry.error("is no interval: \(error.message)")
            }
        }
        return out
    }

    /// The chunks that the given intervals cover, in order; nil when no intervals were given.
    package var chunks: [Interval]? {
        guard !intervals.isEmpty else { return nil }
        guard let segmentGranularity else { return intervals }
        var out: [Interval] = []
        for interval in intervals {
            for bucket in segmentGranularity.buckets(in: interval) where out.last != bucket { out.append(bucket) }
        }
        return out
    }
}
