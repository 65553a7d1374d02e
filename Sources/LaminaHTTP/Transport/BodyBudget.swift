import LaminaBase

/// How many bytes of request bodies all connections together may hold in memory.
///
/// Each body has a bound of its own; without this one, as many clients as there may be connections, each sending slowly and never to the
/// end, could fill the memory.
final class BodyBudget: Sendable {
    private let bytesMax: Int
    private let used = Monitor(0)

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// Takes room for some bytes, or nothing.
    /// - Parameter milliseconds: how long to wait for others to give room back.
    func take(_ count: Int, milliseconds: Int64 = 0) -> Bool {
        let taken: Bool? = used.wait(milliseconds: milliseconds) { used in
            guard used + count <= self.bytesMax else { return nil }
            used += count
            return true
        }
        return taken ?? false
    }

    func giveBack(_ count: Int) {
        if count > 0 { used.update { $0 -= count } }
    }
}

/// Try again later: bodies of others are in memory.
func bodiesBusy() -> HTTPResponse {
    let error = LaminaError(
        .capacityExceeded,
        code: "bodiesBusy",
        "The server holds as many bytes of requests as it may at once: try again"
    )
    var response = errorResponse(error)
    response.headers.append(("Retry-After", "1"))
    return response
}
