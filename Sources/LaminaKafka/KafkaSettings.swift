import LaminaBase

/// The settings of a client, made of a spec's `consumerProperties`: the names of Java's client, of which only those on the list are
/// taken. What Druid's users set for consumers but reading by offsets does not need is taken and has no effect.
///
/// Source: Apache Kafka's consumer configuration, `KafkaRecordSupplier.addConsumerPropertiesFromConfig`, librdkafka's
/// CONFIGURATION.md.
struct KafkaSettings: Sendable {
    /// librdkafka's names and values.
    private(set) var values: [(name: String, value: String)] = []
    /// What is prefetched of all partitions together.
    static let prefetchBytes = 64 << 20

    /// How a property's value is taken over.
    private enum Rule {
        /// Under librdkafka's name, one of the given words in any case.
        case word(String, [String])
        case number(String, ClosedRange<Int64>)
        case text(String)
        case ignored
        /// Taken together with others.
        case apart
    }

    private static let rules: [String: Rule] = [
        "bootstrap.servers": .apart,
        "client.id": .text("client.id"),
        "client.rack": .text("client.rack"),
        "isolation.level": .word("isolation.level", ["read_committed", "read_uncommitted"]),
        "security.protocol": .word("security.protocol", ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]),
        "sasl.mechanism": .word("sasl.mechanisms", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]),
        "sasl.jaas.config": .apart,
        "ssl.truststore.type": .apart,
        "ssl.truststore.location": .apart,
        "ssl.truststore.password": .ignored,
        "ssl.truststore.certificates": .text("ssl.ca.pem"),
        "ssl.keystore.type": .apart,
        "ssl.keystore.location": .apart,
        "ssl.keystore.password": .text("ssl.keystore.password"),
        "ssl.keystore.certificate.chain": .text("ssl.certificate.pem"),
        "ssl.keystore.key": .text("ssl.key.pem"),
        "ssl.key.password": .text("ssl.key.password"),
        "ssl.endpoint.identification.algorithm": .apart,
        "ssl.protocol": .ignored,
        "ssl.enabled.protocols": .ignored,
        "fetch.min.bytes": .number("fetch.min.bytes", 1...100_000_000),
        "fetch.max.bytes": .number("fetch.max.bytes", 1024...1_000_000_000),
        "fetch.max.wait.ms": .number("fetch.wait.max.ms", 0...300_000),
        "max.partition.fetch.bytes": .number("fetch.message.max.bytes", 1...1_000_000_000),
        "receive.buffer.bytes": .number("socket.receive.buffer.bytes", 0...100_000_000),
        "send.buffer.bytes": .number("socket.send.buffer.bytes", 0...100_000_000),
        "connections.max.idle.ms": .number("connections.max.idle.ms", 0...2_147_483_647),
        "metadata.max.age.ms": .number("topic.metadata.refresh.interval.ms", 1000...3_600_000),
        "reconnect.backoff.ms": .number("reconnect.backoff.ms", 0...3_600_000),
        "reconnect.backoff.max.ms": .number("reconnect.backoff.max.ms", 0...3_600_000),
        "retry.backoff.ms": .number("retry.backoff.ms", 1...300_000),
        "socket.connection.setup.timeout.ms": .number("socket.connection.setup.timeout.ms", 1000...2_147_483_647),
        "request.timeout.ms": .ignored, "default.api.timeout.ms": .ignored, "check.crcs": .ignored,
        "socket.connection.setup.timeout.max.ms": .ignored, "client.dns.lookup": .ignored,
        "group.id": .ignored, "group.instance.id": .ignored, "auto.offset.reset": .ignored,
        "enable.auto.commit": .ignored, "auto.commit.interval.ms": .ignored, "max.poll.records": .ignored,
        "max.poll.interval.ms": .ignored, "session.timeout.ms": .ignored, "heartbeat.interval.ms": .ignored,
        "partition.assignment.strategy": .ignored, "exclude.internal.topics": .ignored,
        "metrics.num.samples": .ignored, "metrics.sample.window.ms": .ignored, "metrics.recording.level": .ignored,
        "key.deserializer": .apart, "value.deserializer": .apart,
    ]

    private static let providerKey = "druid.dynamic.config.provider"

    init(_ properties: JSONObject, secrets: KafkaSecrets) throws(LaminaError) {
        let given = try Self.texts(properties, secrets)
        guard let servers = given["bootstrap.servers"] else {
            throw .invalidInput("consumerProperties must contain entry for [bootstrap.servers]")
        }
        values = [
            ("bootstrap.servers", try Self.servers(servers)),
            ("isolation.level", "read_committed"),
            ("check.crcs", "true"),
            ("enable.partition.eof", "true"),
            ("auto.offset.reset", "error"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("allow.auto.create.topics", "false"),
            ("topic.metadata.refresh.interval.ms", "30000"),
            // A topic that is gone is said to be so this late: it might have been made just now.
            ("topic.metadata.propagation.max.ms", "3000"),
            ("reconnect.backoff.max.ms", "2000"),
            ("fetch.error.backoff.ms", "100"),
            ("queued.min.messages", "1000000"),
        ]
        for (name, value) in given.sorted(by: { $0.key < $1.key }) { try add(name, value) }
        try addSASL(given)
        try addStores(given, secrets)
    }

    /// The properties as texts, password providers and the dynamic provider resolved.
    private static func texts(
        _ properties: JSONObject,
        _ secrets: KafkaSecrets
    ) throws(LaminaError) -> [String: String] {
        var given: [String: String] = [:]
        for (name, value) in properties.entries where name != providerKey {
            guard rules[name] != nil else {
                throw propertyError(name, "is not among the properties that Lamina takes")
            }
            if let text = try text(value, of: name, secrets) { given[name] = text }
        }
        guard let provider = properties[providerKey], !provider.isNull else { return given }
        // What it gives counts before what is written beside it.
        switch provider["type"]?.stringValue {
        case "environment":
            guard let variables = provider["variables"]?.objectValue else {
                throw propertyError(providerKey, "must have variables")
            }
            for (name, variable) in variables.entries {
                guard rules[name] != nil else {
                    throw propertyError(name, "is not among the properties that Lamina takes")
                }
                guard let variable = variable.stringValue else {
                    throw propertyError(providerKey, "must name a variable for each property")
                }
                given[name] = try secrets.variable(variable, for: name)
            }
        case "mapString":
            for (name, value) in provider["config"]?.objectValue?.entries ?? [] {
                guard rules[name] != nil else {
                    throw propertyError(name, "is not among the properties that Lamina takes")
                }
                if let text = try text(value, of: name, secrets) { given[name] = text }
            }
        default: throw propertyError(providerKey, "must be of type environment or mapString")
        }
        return given
    }

    /// A text, a number or a boolean, or a password provider.
    private static func text(
        _ value: JSON,
        of name: String,
        _ secrets: KafkaSecrets
    ) throws(LaminaError) -> String? {
        var text: String
        switch value {
        case .null: return nil
        case .string(let given): text = given
        case .int(let number): text = String(number)
        case .double(let number): text = String(number)
        case .bool(let truth): text = truth ? "true" : "false"
        case .object(let provider):
            switch provider["type"]?.stringValue {
            case "default":
                guard let password = provider["password"]?.stringValue else {
                    throw propertyError(name, "has a password provider without password")
                }
                text = password
            case "environment":
                guard let variable = provider["variable"]?.stringValue else {
                    throw propertyError(name, "has a password provider without variable")
                }
                text = try secrets.variable(variable, for: name)
            default:
                throw propertyError(name, "has a password provider that is neither of type default nor environment")
            }
        case .array: throw propertyError(name, "must be a text")
        }
        guard !text.utf8.contains(0) else { throw propertyError(name, "holds a character that is none") }
        return text
    }

    private mutating func add(_ name: String, _ value: String) throws(LaminaError) {
        switch Self.rules[name] {
        case .word(let target, let words):
            guard let word = words.first(where: { $0.lowercased() == value.lowercased() }) else {
                throw propertyError(name, "must be one of \(words.joined(separator: ", "))")
            }
            set(target, word)
        case .number(let target, let range):
            guard let number = Int64(value), range.contains(number) else {
                throw propertyError(name, "must be a number between \(range.lowerBound) and \(range.upperBound)")
            }
            set(target, String(number))
        case .text(let target): set(target, value)
        case .ignored: break
        case .apart, nil: try check(name, value)
        }
    }

    private func check(_ name: String, _ value: String) throws(LaminaError) {
        guard name.hasSuffix(".deserializer") else { return }
        guard value == "org.apache.kafka.common.serialization.ByteArrayDeserializer" else {
            throw propertyError(name, "must be left out: records are read as bytes")
        }
    }

    mutating func set(_ name: String, _ value: String) {
        values.removeAll { $0.name == name }
        values.append((name, value))
    }

    /// `host:port` pairs; nothing else, so that nothing is read into the rest.
    private static func servers(_ text: String) throws(LaminaError) -> String {
        let name = "bootstrap.servers"
        var servers: [String] = []
        for part in text.split(separator: ",") {
            let server = part.drop { $0 == " " }.prefix { $0 != " " }
            for byte in server.utf8 {
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
                    continue
                default: throw propertyError(name, "must be a list of host:port")
                }
            }
            guard let colon = server.lastIndex(of: ":"), colon != server.startIndex,
                let port = UInt16(server[server.index(after: colon)...]), port > 0
            else { throw propertyError(name, "must be a list of host:port") }
            servers.append(String(server))
        }
        guard !servers.isEmpty else { throw propertyError(name, "must be a list of host:port") }
        return servers.joined(separator: ",")
    }

    private mutating func addSASL(_ given: [String: String]) throws(LaminaError) {
        let uses = given["security.protocol"]?.lowercased().hasPrefix("sasl") ?? false
        if let config = given["sasl.jaas.config"] {
            let login = try JAASLogin(config)
            set("sasl.username", login.username)
            set("sasl.password", login.password)
            // Java's default is a mechanism that needs more than user and password.
            guard let mechanism = given["sasl.mechanism"] else {
                throw propertyError("sasl.mechanism", "must be given beside sasl.jaas.config")
            }
            guard login.isScram == mechanism.uppercased().hasPrefix("SCRAM") else {
                throw propertyError("sasl.jaas.config", "names a login module that does not belong to sasl.mechanism")
            }
        } else if uses {
            throw propertyError("sasl.jaas.config", "must be given with a security.protocol of SASL")
        }
    }

    /// Certificates and keys: PEM, for the trust store; PEM or PKCS12 for the key store.
    private mutating func addStores(_ given: [String: String], _ secrets: KafkaSecrets) throws(LaminaError) {
        let trust = "ssl.truststore.location"
        if let path = given[trust] {
            guard given["ssl.truststore.type"]?.uppercased() == "PEM" else {
                throw propertyError("ssl.truststore.type", "must be PEM: Lamina reads no Java key stores")
            }
            set("ssl.ca.location", try secrets.file(path, for: trust))
        } else if let type = given["ssl.truststore.type"], type.uppercased() != "PEM" {
            throw propertyError("ssl.truststore.type", "must be PEM: Lamina reads no Java key stores")
        }
        let key = "ssl.keystore.location"
        if let path = given[key] {
            switch given["ssl.keystore.type"]?.uppercased() {
            case "PKCS12": set("ssl.keystore.location", try secrets.file(path, for: key))
            case "PEM":
                let file = try secrets.file(path, for: key)
                set("ssl.certificate.location", file)
                set("ssl.key.location", file)
            default: throw propertyError("ssl.keystore.type", "must be PKCS12 or PEM: Lamina reads no Java key stores")
            }
        }
        // Java's default is to check the name, Debian's librdkafka 2.0 has none.
        switch given["ssl.endpoint.identification.algorithm"]?.lowercased() ?? "https" {
        case "https": set("ssl.endpoint.identification.algorithm", "https")
        case "": set("ssl.endpoint.identification.algorithm", "none")
        default: throw propertyError("ssl.endpoint.identification.algorithm", "must be https or empty")
        }
    }
}
