package import LaminaBase
package import LaminaIngest
import LaminaQuery

/// Opens topics of Kafka by librdkafka. Nothing connects before the first question is asked.
package struct KafkaConnector: StreamConnector {
    private let secrets: KafkaSecrets

    /// - Parameters:
    ///   - secretsFolder: key stores and certificates that properties name must lie in it; nil: no property may name a file.
    ///   - environment: what a password provider of type `environment` reads; asked only for names that begin with
    ///     `LAMINA_SECRET_`.
    package init(secretsFolder: String? = nil, environment: @escaping @Sendable (String) -> String? = readEnvironment) {
        secrets = KafkaSecrets(folder: secretsFolder, environment: environment)
    }

    package func open(
        topic: String,
        isPattern: Bool,
        properties: JSONObject,
        keepsKeys: Bool
    ) throws(LaminaError) -> any StreamSource {
        let settings = try KafkaSettings(properties, secrets: secrets)
        guard !topic.isEmpty else { throw .invalidInput("The topic must not be empty") }
        return KafkaSource(
            topic: topic,
            pattern: isPattern ? try Regex(topic) : nil,
            settings: settings,
            keepsKeys: keepsKeys
        )
    }
}
