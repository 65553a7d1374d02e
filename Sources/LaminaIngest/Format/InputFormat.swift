package import LaminaBase

/// How the bytes of an input become rows: the `inputFormat` of an ingestion spec.
///
/// Source: Druid's `JsonInputFormat`, `CsvInputFormat`, `DelimitedInputFormat`, `RegexInputFormat`, `KafkaInputFormat`.
package struct InputFormat: Sendable {
    enum Kind: Sendable {
        case json(JSONFormat)
        case delimited(DelimitedFormat)
        case regex(RegexFormat)
        indirect case kafka(KafkaFormat)
    }

    let kind: Kind

    /// Druid's types (with all its extensions) that Lamina does not read.
    private static let unsupported: Set<String> = [
        "kinesis", "parquet", "orc", "avro_ocf", "avro_stream", "protobuf", "thrift", "javascript", "druid",
    ]

    /// Decodes a spec; `path` is its place in the task's JSON for messages. Everything that is wrong in the spec throws here:
    /// patterns, JSON paths and jq programs are compiled.
    package init(json: JSON, path: String) throws(LaminaError) {
        let fields = try SpecFields(json, path: path)
        switch try fields.type(known: ["csv", "json", "kafka", "regex", "tsv"], unsupported: Self.unsupported) {
        case "csv": kind = .delimited(try DelimitedFormat(csv: fields))
        case "tsv": kind = .delimited(try DelimitedFormat(tsv: fields))
        case "kafka": kind = .kafka(try KafkaFormat(fields))
        case "regex": kind = .regex(try RegexFormat(fields))
        default: kind = .json(try JSONFormat(fields))
        }
    }

    /// Whether a field whose value is null in a row counts as found in it (`keepNullColumns`; delimited text always has its
    /// columns). Without it, schemaless dimensions are discovered from other values only.
    package var keepsNullColumns: Bool {
        switch kind {
        case .json(let format): format.keepNullColumns
        case .kafka(let format): format.value.keepsNullColumns
        default: true
        }
    }

    /// Fields that the `flattenSpec` defines, in its order: every row has them (null where the path leads nowhere), and they are
    /// always discovered.
    package var flattenedFields: [String] {
        switch kind {
        case .json(let format): format.flattened.map(\.name)
        case .kafka(let format): format.value.flattenedFields + [format.timestampColumn, format.topicColumn]
        default: []
        }
    }

    /// Whether other root fields than `flattenedFields` may be discovered (`useFieldDiscovery`). Dimensions named in the spec read
    /// root fields even when not.
    package var discoversRootFields: Bool {
        switch kind {
        case .json(let format): format.useFieldDiscovery
        case .kafka(let format): format.value.discoversRootFields
        default: true
        }
    }

    /// Whether rows take more of a record than its value: keys and headers have to be read then.
    package var readsKeys: Bool {
        if case .kafka(let format) = kind { format.key != nil || format.headers != nil } else { false }
    }
}
