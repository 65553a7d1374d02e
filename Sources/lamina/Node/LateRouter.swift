import LaminaBase
import LaminaHTTP

/// The routes name the port, which is known only once the server listens: requests that come in between wait.
final class LateRouter: Sendable {
    private let router = Monitor<Router?>(nil)

    func set(_ router: Router) { self.router.update { $0 = router } }

    func respond(to request: HTTPRequest) -> HTTPResponse {
        guard let router = router.wait(milliseconds: 10_000, until: { $0 }) else { return .empty(503) }
        return router.respond(to: request)
    }
}
