package import LaminaBase

/// How the rows of one time chunk are spread over segments (secondary partitioning).
///
/// Source: Druid's `DynamicPartitionsSpec`, `HashedPartitionsSpec`, `DimensionRangePartitionsSpec`.
package enum PartitionsSpec: Sendable {
    /// A new segment whenever so many rows are reached, in one chunk or in all together.
    case dynamic(maxRowsPerSegment: Int, maxTotalRows: Int)
    /// `buckets` nil: found from `targetRows` and the number of distinct rows.
    case hashed(buckets: Int?, targetRows: Int, dimensions: [String])
    /// `isSingle`: `single_dim`, whose shard specs have another form.
    case range(dimensions: [String], size: RangeSize, assumesGrouped: Bool, isSingle: Bool)

    static let maxTotalRowsDefault = 20_000_000

    package enum RangeSize: Sendable, Hashable {
        case target(Int)
        case max(Int)
    }

    package init(_ node: SpecNode) throws(LaminaError) {
        _ = try node.object()
        switch try node.required("type").string() {
        case "dynamic":
            self = .dynamic(
                maxRowsPerSegment: try Self.rows(node, "maxRowsPerSegment") ?? 5_000_000,
                maxTotalRows: try Self.rows(node, "maxTotalRows") ?? Self.maxTotalRowsDefault
            )
        case "hashed": self = try Self.hashed(node)
        case "range", "multi_dim": self = try Self.range(node, node.strings("partitionDimensions"), isSingle: false)
        case "single_dim":
            let name = try node.optionalString("partitionDimension")
            self = try Self.range(node, name.map { [$0] } ?? [], isSingle: true)
        case let other:
            throw node.error("has the unknown type \"\(other)\"; known are dynamic, hashed, range, single_dim")
        }
    }

    /// Zero and negative numbers mean the default, as in Druid (`PartitionsSpec.isEffectivelyNull`).
    private static func rows(_ node: SpecNode, _ key: String) throws(LaminaError) -> Int? {
        guard let value = try node.optionalInt(key), value > 0 else { return nil }
        return Int(clamping: value)
    }

    private static func hashed(_ node: SpecNode) throws(LaminaError) -> PartitionsSpec {
        var target = try rows(node, "targetRowsPerSegment")
        if target == nil { target = try rows(node, "maxRowsPerSegment") }
        let buckets = try rows(node, "numShards")
        if target != nil, buckets != nil {
            throw node.error("must have at most one of targetRowsPerSegment and numShards")
        }
        let function = try node.string("partitionFunction", default: "murmur3_32_abs")
        guard function.lowercased() == "murmur3_32_abs" else {
            throw node.error("has the unknown partitionFunction \"\(function)\"; known is murmur3_32_abs")
        }
        return .hashed(
            buckets: buckets,
            targetRows: target ?? 5_000_000,
            dimensions: try node.strings("partitionDimensions")
        )
    }

    private static func range(
        _ node: SpecNode,
        _ dimensions: [String],
        isSingle: Bool
    ) throws(LaminaError) -> PartitionsSpec {
        guard !dimensions.isEmpty else {
            throw node.error("must name \(isSingle ? "partitionDimension" : "partitionDimensions")")
        }
        let grouped = try node.bool("assumeGrouped", default: false)
        switch (try rows(node, "targetRowsPerSegment"), try rows(node, "maxRowsPerSegment")) {
        case (let target?, nil):
            return .range(dimensions: dimensions, size: .target(target), assumesGrouped: grouped, isSingle: isSingle)
        case (nil, let max?):
            return .range(dimensions: dimensions, size: .max(max), assumesGrouped: grouped, isSingle: isSingle)
        default: throw node.error("must have exactly one of targetRowsPerSegment and maxRowsPerSegment")
        }
    }

    package var isDynamic: Bool { if case .dynamic = self { true } else { false } }
}
