package import LaminaBase

/// The spec of a push stream: what every stream has, and how pushes are remembered and bounded.
///
/// Lamina's own keys in the `ioConfig`: `idempotencyPeriod` (ISO period, P1D), `maxIdempotencyKeys` (2,000,000), `maxPendingRequests`
/// (64), `maxPendingBytes` (64 MiB), `maxDeadLetterBytes` (64 MiB).
package struct PushSpec: Sendable {
    package var stream: StreamSpec
    /// How long an `Idempotency-Key` is remembered, ms.
    package var idempotencyPeriod: Int64
    package var maxIdempotencyKeys: Int
    /// Pushes that are worked on at once, and their bytes; further ones are to try again later.
    package var maxPendingRequests: Int
    package var maxPendingBytes: Int
    package var maxDeadLetterBytes: Int64

    /// - Parameter json: the whole supervisor spec.
    package init(json: JSON) throws(LaminaError) {
        stream = try StreamSpec(json: json, type: "push")
        // Bad rows are the answer of those who push them, and no reason to stop.
        stream.limits.maxParseExceptions = .max
        let root = SpecNode(json, path: "")
        let io = try (root.child("spec") ?? root).required("ioConfig")
        if let type = try io.optionalString("type"), type != "push" {
            throw io.error("must have the type push, not \(type)")
        }
        if stream.inputFormat.readsKeys { throw .unsupported("inputFormat kafka in a push stream") }
        idempotencyPeriod = try StreamSpec.duration(io, "idempotencyPeriod") ?? 86_400_000
        guard idempotencyPeriod > 0, idempotencyPeriod <= 366 * 86_400_000 else {
            throw io.error("must have an idempotencyPeriod of more than nothing and at most a year")
        }
        func positive(_ key: String, _ fallback: Int64, max: Int64) throws(LaminaError) -> Int64 {
            let number = try io.int(key, default: fallback)
            guard number > 0, number <= max else { throw io.error("must have a \(key) from 1 to \(max)") }
            return number
        }
        maxIdempotencyKeys = Int(try positive("maxIdempotencyKeys", 2_000_000, max: 100_000_000))
        maxPendingRequests = Int(try positive("maxPendingRequests", 64, max: 200))
        maxPendingBytes = Int(try positive("maxPendingBytes", 64 << 20, max: 4 << 30))
        maxDeadLetterBytes = try positive("maxDeadLetterBytes", 64 << 20, max: 64 << 30)
    }
}
