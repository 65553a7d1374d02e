/// A segment's place among the segments of its interval and version. Source: Druid's `ShardSpec` and its subclasses.
package enum ShardSpec: Sendable, Hashable {
    /// Alone in its interval.
    case none
    /// Any number of partitions, every one usable by itself.
    case linear(partition: Int)
    /// Complete once partitions 0..<core are there; later ones are appended. A core of 0 means appended only.
    case numbered(partition: Int, core: Int)
    case hashed(HashedShardSpec)
    /// `range`, and `single` for one dimension in its older form.
    case range(RangeShardSpec)
    case numberedOverwrite(OverwriteShardSpec)
    /// Says that there is nothing in its interval.
    case tombstone

    /// By a hash of the partition dimensions (of time and all dimensions when none are named).
    package struct HashedShardSpec: Sendable, Hashable {
        package var partition: Int
        package var core: Int
        package var bucket: Int
        package var buckets: Int
        package var dimensions: [String]
        /// Nil where unknown, as in old segments: not usable for pruning.
        package var function: String?

        package init(
            partition: Int,
            core: Int,
            bucket: Int,
            buckets: Int,
            dimensions: [String],
            function: String? = "murmur3_32_abs"
        ) {
            self.partition = partition
            self.core = core
            self.bucket = bucket
            self.buckets = buckets
            self.dimensions = dimensions
            self.function = function
        }
    }

    /// A range of dimension tuples: `start` inclusive, `end` exclusive, nil meaning unbounded.
    package struct RangeShardSpec: Sendable, Hashable {
        package var dimensions: [String]
        package var start: [String?]?
        package var end: [String?]?
        package var partition: Int
        /// Nil only in old `single` specs, whose completeness follows from their bounds.
        package var core: Int?
        /// Whether it is written as `single`.
        package var isSingle: Bool

        package init(
            dimensions: [String],
            start: [String?]?,
            end: [String?]?,
            partition: Int,
            core: Int?,
            isSingle: Bool = false
        ) {
            self.dimensions = dimensions
            self.start = start
            self.end = end
            self.partition = partition
            self.core = core
            self.isSingle = isSingle
        }
    }

    /// Part of an atomic update group that replaces the root partitions `rootStart..<rootEnd` of the same version.
    package struct OverwriteShardSpec: Sendable, Hashable {
        package var partition: Int
        package var rootStart: Int
        package var rootEnd: Int
        package var minorVersion: Int
        package var groupSize: Int

        package init(partition: Int, rootStart: Int, rootEnd: Int, minorVersion: Int, groupSize: Int) {
            self.partition = partition
            self.rootStart = rootStart
            self.rootEnd = rootEnd
            self.minorVersion = minorVersion
            self.groupSize = groupSize
        }
    }

    /// Partition numbers from here on belong to overwriting segments.
    package static let firstOverwritingPartition = 32768

    package var partition: Int {
        switch self {
        case .none, .tombstone: 0
        case .linear(let partition): partition
        case .numbered(let partition, _): partition
        case .hashed(let spec): spec.partition
        case .range(let spec): spec.partition
        case .numberedOverwrite(let spec): spec.partition
        }
    }

    /// How many partitions make the set complete; 0 when it has no core.
    package var core: Int {
        switch self {
        case .none: 1
        case .linear, .tombstone: 0
        case .numbered(_, let core): core
        case .hashed(let spec): spec.core
        case .range(let spec): spec.core ?? 0
        case .numberedOverwrite: 0
        }
    }

    package var isTombstone: Bool { self == .tombstone }
    package var isNumberedOverwrite: Bool { if case .numberedOverwrite = self { true } else { false } }

    /// Higher minor versions of one version hide lower ones.
    package var minorVersion: Int { if case .numberedOverwrite(let spec) = self { spec.minorVersion } else { 0 } }

    /// How many segments take effect together.
    package var groupSize: Int { if case .numberedOverwrite(let spec) = self { spec.groupSize } else { 1 } }

    /// The root partitions it stands for.
    package var rootRange: Range<Int> {
        if case .numberedOverwrite(let spec) = self {
            return spec.rootStart..<max(spec.rootEnd, spec.rootStart)
        }
        return partition..<partition + 1
    }

    package var typeName: String {
        switch self {
        case .none: "none"
        case .linear: "linear"
        case .numbered: "numbered"
        case .hashed: "hashed"
        case .range(let spec): spec.isSingle ? "single" : "range"
        case .numberedOverwrite: "numbered_overwrite"
        case .tombstone: "tombstone"
        }
    }
}
