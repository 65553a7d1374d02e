extension ShardSpec {
    /// Decodes a published shard spec; an absent one is `numbered` 0 of 1.
    package init(json: JSON?) throws(LaminaError) {
        guard let json, !json.isNull else {
            self = .numbered(partition: 0, core: 1)
            return
        }
        guard let object = json.objectValue, let type = object["type"]?.stringValue else {
            throw .invalidInput("A shardSpec must be an object with a 'type', not \(json.text)")
        }
        switch type {
        case "none": self = .none
        case "tombstone": self = .tombstone
        case "linear": self = .linear(partition: try Self.number("partitionNum", in: object))
        case "numbered":
            self = .numbered(
                partition: try Self.number("partitionNum", in: object),
                core: try Self.number("partitions", in: object)
            )
        case "hashed": self = .hashed(try Self.hashed(object))
        case "single", "range": self = .range(try Self.range(object, isSingle: type == "single"))
        case "numbered_overwrite":
            self = .numberedOverwrite(
                OverwriteShardSpec(
                    partition: try Self.number("partitionId", in: object),
                    rootStart: try Self.number("startRootPartitionId", in: object),
                    rootEnd: try Self.number("endRootPartitionId", in: object),
                    minorVersion: try Self.number("minorVersion", in: object),
                    groupSize: try Self.number("atomicUpdateGroupSize", in: object, default: 1)
                )
            )
        default: throw .unsupported("shardSpec type '\(type)'")
        }
    }

    private static func number(_ key: String, in object: JSONObject, default fallback: Int = 0) throws(LaminaError)
        -> Int
    {
        guard let json = object[key], !json.isNull else { return fallback }
        // Partition numbers are Java shorts or ints; bounding them keeps ranges of them from overflowing.
        guard let value = json.intValue, value >= 0, value <= Int64(Int32.max) else {
            throw .invalidInput("'\(key)' of a shardSpec must be a whole number from 0, not \(json.text)")
        }
        return Int(value)
    }

    private static func strings(_ json: JSON?) -> [String] {
        (json?.arrayValue ?? []).compactMap(\.stringValue)
    }

    private static func hashed(_ object: JSONObject) throws(LaminaError) -> HashedShardSpec {
        let partition = try number("partitionNum", in: object)
        let core = try number("partitions", in: object)
        return HashedShardSpec(
            partition: partition,
            core: core,
            bucket: try number("bucketId", in: object, default: partition),
            buckets: try number("numBuckets", in: object, default: core),
            dimensions: strings(object["partitionDimensions"]),
            function: object["partitionFunction"]?.stringValue
        )
    }

    private static func range(_ object: JSONObject, isSingle: Bool) throws(LaminaError) -> RangeShardSpec {
        let dimensions =
            isSingle ? [object["dimension"]?.stringValue].compactMap(\.self) : strings(object["dimensions"])
        let core = object["numCorePartitions"]
        return RangeShardSpec(
            dimensions: dimensions,
            start: bound(object["start"]),
            end: bound(object["end"]),
            partition: try number("partitionNum", in: object),
            core: core == nil || core?.isNull == true || core?.intValue == -1
                ? nil : try number("numCorePartitions", in: object),
            isSingle: isSingle
        )
    }

    private static func bound(_ json: JSON?) -> [String?]? {
        switch json {
        case .string(let text)?: [text]
        case .array(let items)?: items.map(\.stringValue)
        default: nil
        }
    }

    /// Druid's JSON.
    package var json: JSON {
        switch self {
        case .none: return ["type": "none"]
        case .tombstone: return ["type": "tombstone", "partitionNum": 0, "partitions": 0]
        case .linear(let partition): return ["type": "linear", "partitionNum": .int(Int64(partition))]
        case .numbered(let partition, let core):
            return ["type": "numbered", "partitionNum": .int(Int64(partition)), "partitions": .int(Int64(core))]
        case .hashed(let spec):
            return [
                "type": "hashed", "partitionNum": .int(Int64(spec.partition)), "partitions": .int(Int64(spec.core)),
                "bucketId": .int(Int64(spec.bucket)), "numBuckets": .int(Int64(spec.buckets)),
                "partitionDimensions": .array(spec.dimensions.map { .string($0) }),
                "partitionFunction": spec.function.map { .string($0) } ?? .null,
            ]
        case .range(let spec): return Self.json(spec)
        case .numberedOverwrite(let spec):
            return [
                "type": "numbered_overwrite", "partitionId": .int(Int64(spec.partition)),
                "startRootPartitionId": .int(Int64(spec.rootStart)), "endRootPartitionId": .int(Int64(spec.rootEnd)),
                "minorVersion": .int(Int64(spec.minorVersion)),
                "atomicUpdateGroupSize": .int(Int64(spec.groupSize)),
            ]
        }
    }

    private static func json(_ spec: RangeShardSpec) -> JSON {
        func tuple(_ bound: [String?]?) -> JSON {
            guard let bound else { return .null }
            let items: [JSON] = bound.map { $0.map { .string($0) } ?? .null }
            return spec.isSingle ? items.first ?? .null : .array(items)
        }
        let partition = JSON.int(Int64(spec.partition))
        if spec.isSingle {
            return [
                "type": "single", "start": tuple(spec.start), "end": tuple(spec.end),
                "dimension": spec.dimensions.first.map { .string($0) } ?? .null, "partitionNum": partition,
                "numCorePartitions": .int(Int64(spec.core ?? -1)),
            ]
        }
        return [
            "type": "range", "dimensions": .array(spec.dimensions.map { .string($0) }), "start": tuple(spec.start),
            "end": tuple(spec.end), "partitionNum": partition, "numCorePartitions": .int(Int64(spec.core ?? 0)),
        ]
    }
}
