package import LaminaBase

/// Finds the handler of a method and path.
///
/// Patterns are segments between slashes: a word stands for itself, `{name}` for any one segment. A word wins over a variable.
/// An unknown path is 404, a known one with another method 405 with `Allow`.
package struct Router: Sendable {
    private final class Node: Sendable {
        let words: [String: Node]
        let variable: Node?
        let handlers: [String: Route.Handler]

        init(words: [String: Node], variable: Node?, handlers: [String: Route.Handler]) {
            self.words = words
            self.variable = variable
            self.handlers = handlers
        }
    }

    private let root: Node

    package init(_ routes: [Route]) {
        root = Router.node(routes.map { (segments: $0.pattern.split(separator: "/").map(String.init)[...], route: $0) })
    }

    private static func node(_ routes: [(segments: ArraySlice<String>, route: Route)]) -> Node {
        var byWord: [String: [(segments: ArraySlice<String>, route: Route)]] = [:]
        var variable: [(segments: ArraySlice<String>, route: Route)] = []
        var handlers: [String: Route.Handler] = [:]
        for (segments, route) in routes {
            guard let first = segments.first else {
                handlers[route.method] = route.handler
                continue
            }
            if first.hasPrefix("{") {
                variable.append((segments.dropFirst(), route))
            } else {
                byWord[first, default: []].append((segments.dropFirst(), route))
            }
        }
        return Node(
            words: byWord.mapValues(node),
            variable: variable.isEmpty ? nil : node(variable),
            handlers: handlers
        )
    }

    /// The answer to a request; never throws: errors become responses.
    package func respond(to request: HTTPRequest) -> HTTPResponse {
        guard let (node, parameters) = Router.find(request.path[...], at: root, []) else {
            return errorResponse(.notFound("There is no '\(request.rawPath)' here"))
        }
        // HEAD asks for a GET's headers; libmicrohttpd leaves the body out.
        let method = request.method == "HEAD" ? "GET" : request.method
        guard let handler = node.handlers[method] else {
            var allowed = node.handlers.keys.sorted()
            if allowed.contains("GET") { allowed.append("HEAD") }
            let message = "\(request.method) is not allowed on '\(request.rawPath)'"
            var response = errorResponse(.invalidInput(message), status: 405)
            response.headers.append(("Allow", allowed.joined(separator: ",")))
            return response
        }
        do throws(LaminaError) {
            return try handler(request, parameters)
        } catch {
            return errorResponse(error)
        }
    }

    private static func find(_ path: ArraySlice<String>, at node: Node, _ parameters: [String]) -> (Node, [String])? {
        guard let first = path.first else { return node.handlers.isEmpty ? nil : (node, parameters) }
        if let next = node.words[first], let found = find(path.dropFirst(), at: next, parameters) { return found }
        guard let next = node.variable else { return nil }
        return find(path.dropFirst(), at: next, parameters + [first])
    }
}

/// One line of the route table.
package struct Route: Sendable {
    /// What a handler may throw; it becomes an error answer.
    package typealias Failure = LaminaError

    /// What answers; the texts are the path's variable segments in order.
    typealias Handler = @Sendable (HTTPRequest, [String]) throws(LaminaError) -> HTTPResponse

    package let method: String
    package let pattern: String
    let handler: Handler

    package init(
        _ method: String,
        _ pattern: String,
        _ handler:
            @escaping @Sendable (_ request: HTTPRequest, _ parameters: [String]) throws(LaminaError) -> HTTPResponse
    ) {
        self.method = method
        self.pattern = pattern
        self.handler = handler
    }
}
