import LaminaBase

/// The fields of one batch that make up Druid's hash key, and the key of each row.
///
/// Source: `HashPartitioner.extractKeys`, `Rows.toGroupKey`.
struct GroupKey {
    private let partition: [FieldView?]
    private let all: [(name: String, field: FieldView)]
    private var key = HashKey()

    init(dimensions: [String], all names: [String], fields: [String: FieldView]) {
        partition = dimensions.map { fields[$0] }
        var seen: Set<String> = []
        all =
            names.filter { seen.insert($0).inserted }.sorted { javaCompare($0, $1) < 0 }
            .compactMap { name in fields[name].map { (name, $0) } }
    }

    private mutating func set(row: Int, time: Int64) {
        if partition.isEmpty {
            key.set(time: time, dimensions: all.map { ($0.name, $0.field.javaStrings(row)) })
        } else {
            key.set(values: partition.map { $0?.javaStrings(row) ?? [] })
        }
    }

    /// - Parameter time: truncated to the query granularity.
    mutating func bucket(row: Int, time: Int64, of count: Int) -> Int {
        set(row: row, time: time)
        return key.bucket(of: count)
    }

    /// The whole key as text, for counting distinct rows.
    mutating func text(row: Int, time: Int64) -> String {
        set(row: row, time: time)
        return key.text
    }
}
