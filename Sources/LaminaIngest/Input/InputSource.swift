package import LaminaBase

/// Where rows come from: the `inputSource` of an ingestion spec.
///
/// Source: Druid's `LocalInputSource`, `InlineInputSource`, `HttpInputSource`, `CombiningInputSource`, `DruidInputSource`.
package struct InputSource: Sendable {
    enum Kind: Sendable {
        case local(LocalFiles)
        case inline([UInt8])
        case http(HTTPSource)
        case combining([InputSource])
        case druid(DruidSource)
        case kafka(KafkaInput)
    }

    let kind: Kind

    /// Druid's types that Lamina does not read; those Druid does not know are a mistake of the spec instead.
    private static let unsupported: Set<String> = [
        "s3", "google", "azure", "azureStorage", "hdfs", "sql", "iceberg", "delta", "oss",
    ]

    /// Decodes a spec; `path` is its place in the task's JSON for messages.
    package init(json: JSON, path: String) throws(LaminaError) {
        let fields = try SpecFields(json, path: path)
        let type = try fields.type(
            known: ["combining", "druid", "http", "inline", "kafka", "local"],
            unsupported: Self.unsupported
        )
        switch type {
        case "inline":
            guard let data = try fields.string("data") else { throw fields.missing("data") }
            kind = .inline(Array(data.utf8))
        case "http": kind = .http(try HTTPSource(fields))
        case "druid": kind = .druid(try DruidSource(fields))
        case "kafka": kind = .kafka(try KafkaInput(fields))
        case "combining":
            var delegates: [InputSource] = []
            for (index, delegate) in try fields.required("delegates").elements.enumerated() {
                delegates.append(try InputSource(json: delegate, path: "\(path).delegates[\(index)]"))
            }
            guard !delegates.isEmpty else { throw fields.error("delegates", "must name at least one input source") }
            kind = .combining(delegates)
        default: kind = .local(try LocalFiles(fields))
        }
    }

    /// The rows of a datasource's segments.
    init(_ source: DruidSource) { kind = .druid(source) }

    /// Whether it reads stored segments of a datasource.
    package func readsDataSource(_ name: String) -> Bool {
        switch kind {
        case .druid(let source): source.dataSource == name
        case .combining(let parts): parts.contains { $0.readsDataSource(name) }
        default: false
        }
    }

    /// The entities in the order in which they are read; files are listed now, in the order of their paths.
    func entities(_ options: RowSourceOptions) throws(LaminaError) -> [InputEntity] {
        switch kind {
        case .local(let files): return try files.entities(root: options.inputRoot)
        case .inline(let data): return [InputEntity(uri: nil, name: "", size: Int64(data.count), origin: .memory(data))]
        case .http(let source): return try source.entities(root: options.inputRoot)
        case .combining(let delegates):
            var all: [InputEntity] = []
            for delegate in delegates { all += try delegate.entities(options) }
            return all
        case .druid, .kafka: return []
        }
    }
}
