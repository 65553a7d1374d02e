package import LaminaBase

/// The producer's end of a streamed body. `write` blocks while the client is slow, and throws once it is gone.
package final class BodyWriter: Sendable {
    private let sink: @Sendable ([UInt8]) -> Bool

    init(sink: @escaping @Sendable ([UInt8]) -> Bool) { self.sink = sink }

    package func write(_ bytes: [UInt8]) throws(LaminaError) {
        guard !bytes.isEmpty else { return }
        guard sink(bytes) else {
            throw LaminaError(
                .canceled,
                code: "clientGone",
                "The client closed the connection before the answer was complete"
            )
        }
    }
}
