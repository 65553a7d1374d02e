package import LaminaBase
package import LaminaIngest

/// What a supervisor was asked to do: which stream it reads into which datasource.
///
/// Decoding refuses what Druid refuses at submission, in its words where clients show them.
///
/// - Source: Druid's `KafkaSupervisorSpec`; druid-surface 11.1; gold `streaming.jsonl`.
package struct SupervisorSpec: Sendable {
    /// What the rows come from.
    package enum Source: Sendable {
        case kafka(KafkaStreamConfig)
        /// HTTP push: its ioConfig as given.
        case push
    }

    package var id: String
    package var source: Source
    /// What indexing needs of it.
    package var stream: StreamSpec
    package var tuning: StreamTuning
    package var context: JSON
    package var isSuspended: Bool
    /// The `ioConfig` with every default filled in.
    package var ioJSON: JSON
    private var givenID: String?

    package var type: String {
        switch source {
        case .kafka: "kafka"
        case .push: "push"
        }
    }

    package var dataSource: String { stream.dataSource }

    /// The topic or the pattern of topics; of push the datasource.
    package var streamName: String {
        switch source {
        case .kafka(let kafka): kafka.topic
        case .push: dataSource
        }
    }

    /// As its committed offsets name it.
    var kind: StreamKind {
        switch source {
        case .kafka(let kafka): .kafka(topic: kafka.topic, isPattern: kafka.isPattern)
        case .push: .push(dataSource: dataSource)
        }
    }

    static let knownTypes = ["kafka", "push"]

    /// - Errors: `invalidInput` with Druid's message; `unsupported` for types that Lamina does not run.
    package init(json: JSON) throws(LaminaError) {
        guard case .object = json else { throw .invalidInput("A supervisor spec must be a JSON object") }
        let root = SpecNode(json, path: "")
        let type = try Self.type(root)
        let spec = root.child("spec") ?? root
        let owner = "org.apache.druid.indexing.\(type).supervisor.\(type == "kafka" ? "Kafka" : "Push")Supervisor"
        guard spec.child("dataSchema") != nil else { throw Self.problem("\(owner)Spec", "dataSchema") }
        guard let io = spec.child("ioConfig") else { throw Self.problem("\(owner)Spec", "ioConfig") }
        _ = try io.object()
        if type == "kafka" {
            let kafka = try KafkaStreamConfig(io) { Self.problem("\(owner)IOConfig", $0) }
            source = .kafka(kafka)
            ioJSON = kafka.json
        } else {
            source = .push
            ioJSON = io.json
        }
        tuning = try StreamTuning(spec.child("tuningConfig"), type: type)
        stream = try StreamSpec(json: json, type: type)
        context = root.child("context")?.json ?? .null
        isSuspended = try root.bool("suspended", default: false)
        givenID = try root.optionalString("id")
        if givenID == nil, spec.path == "spec" { givenID = try spec.optionalString("id") }
        id = givenID ?? stream.dataSource
        guard !id.isEmpty, !id.contains("/") else { throw .invalidInput("id cannot be empty or contain '/': [\(id)]") }
    }

    private static func type(_ root: SpecNode) throws(LaminaError) -> String {
        let base = "org.apache.druid.indexing.overlord.supervisor.SupervisorSpec"
        guard let type = try root.optionalString("type") else {
            throw .invalidInput(
                "Could not resolve subtype of [simple type, class \(base)]: missing type id property 'type'"
            )
        }
        if knownTypes.contains(type) { return type }
        if ["kinesis", "rabbit", "autocompact", "scheduled_batch", "NoopSupervisorSpec"].contains(type) {
            throw .unsupported("Supervisor type '\(type)'")
        }
        throw .invalidInput(
            "Could not resolve type id '\(type)' as a subtype of `\(base)` known type ids = "
                + "[\(knownTypes.joined(separator: ", "))]"
        )
    }

    static func problem(_ type: String, _ text: String) -> LaminaError {
        .invalidInput("Cannot construct instance of `\(type)`, problem: \(text)")
    }

    /// The spec as Druid prints it, every default filled in; what is stored, and what `GET` answers.
    package var json: JSON {
        let inner: JSONObject = [
            "dataSchema": stream.schema.dataSchemaJSON, "ioConfig": ioJSON, "tuningConfig": tuning.json,
        ]
        var object: JSONObject = ["type": .string(type)]
        if let givenID { object["id"] = .string(givenID) }
        object["spec"] = .object(inner)
        for key in ["dataSchema", "tuningConfig", "ioConfig"] { object[key] = inner[key] }
        object["context"] = context
        object["suspended"] = .bool(isSuspended)
        return .object(object)
    }

    /// The same but for whether it is suspended.
    func isSame(as other: SupervisorSpec) -> Bool {
        var copy = other
        copy.isSuspended = isSuspended
        return copy.json == json
    }

    /// What a terminated supervisor leaves as the newest version of its spec.
    package static func tombstone(dataSource: String) -> JSON {
        [
            "type": "noop", "id": nil, "dataSources": [.string(dataSource)], "suspended": false, "source": "noop",
        ]
    }

    /// Whether the stored spec says that the supervisor was terminated.
    package static func isTombstone(_ json: JSON) -> Bool {
        let type = json["type"]?.stringValue
        return type == "noop" || type == "NoopSupervisorSpec"
    }
}
