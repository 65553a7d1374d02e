import LaminaBase

/// Which bucket of its chunk a row belongs to.
enum RowPartitioner: Sendable {
    /// One bucket; segments are cut by row count.
    case none
    case hashed(dimensions: [String], buckets: BucketCounts)
    case range(dimensions: [String], boundaries: [Interval: RangeBoundaries])

    enum BucketCounts: Sendable {
        case same(Int)
        case byChunk([Interval: Int])

        func count(_ chunk: Interval) -> Int {
            switch self {
            case .same(let count): count
            case .byChunk(let counts): counts[chunk] ?? 1
            }
        }
    }

    /// Fields it reads beyond the dimensions.
    var fields: [String] {
        switch self {
        case .none: []
        case .hashed(let dimensions, _), .range(let dimensions, _): dimensions
        }
    }

    /// The bucketing of one batch, whose fields are given.
    func makeBucketing(fields: [String: FieldView], dimensionNames: @autoclosure () -> [String]) -> RowBucketing {
        switch self {
        case .none: .none
        case .hashed(let dimensions, let buckets):
            .hashed(
                GroupKey(dimensions: dimensions, all: dimensions.isEmpty ? dimensionNames() : [], fields: fields),
                buckets
            )
        case .range(let dimensions, let boundaries): .range(dimensions.map { ($0, fields[$0]) }, boundaries)
        }
    }
}

/// Buckets of the rows of one batch.
enum RowBucketing {
    case none
    case hashed(GroupKey, RowPartitioner.BucketCounts)
    case range([(name: String, field: FieldView?)], [Interval: RangeBoundaries])

    /// - Parameter time: truncated to the query granularity.
    mutating func bucket(row: Int, time: Int64, chunk: Interval) throws(LaminaError) -> Int {
        switch self {
        case .none: return 0
        case .hashed(var key, let counts):
            let buckets = counts.count(chunk)
            return buckets > 1 ? key.bucket(row: row, time: time, of: buckets) : 0
        case .range(let dimensions, let boundaries):
            let key = try rangeKey(dimensions, row: row)
            return boundaries[chunk]?.partition(of: key) ?? 0
        }
    }
}

/// The row's partition values; a row with several values in one of them cannot be placed.
func rangeKey(
    _ dimensions: [(name: String, field: FieldView?)],
    row: Int
) throws(LaminaError) -> RangeBoundaries.Key {
    var values: RangeBoundaries.Key = []
    for (name, field) in dimensions {
        let texts = field?.javaStrings(row) ?? []
        guard texts.count <= 1 else {
            throw .invalidInput(
                "Cannot partition by range on [\(name)]: a row has \(texts.count) values, [\(texts.joined(separator: ", "))]"
            )
        }
        values.append(texts.first)
    }
    return values
}
