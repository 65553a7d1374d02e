import LaminaBase
import LaminaIngest

/// Stands where the Kafka room will: refuses every stream by name.
struct AbsentStreams: StreamConnector {
    func open(
        topic: String,
        isPattern: Bool,
        properties: JSONObject,
        keepsKeys: Bool
    ) throws(LaminaError) -> any StreamSource {
        throw .unsupported("Reading Kafka topics")
    }
}
