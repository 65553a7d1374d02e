import LaminaBase
package import LaminaBroker
package import LaminaIngest
package import LaminaMetadata
package import LaminaTasks

/// Everything the routes work with: one process holds all of Druid's services.
package struct Services: Sendable {
    package var metadata: MetadataStore
    package var segments: SegmentService
    package var tasks: TaskService
    package var supervisors: SupervisorService
    package var broker: Broker
    package var lookups: LookupStore
    /// Who takes pushed rows; nil where there are no streams.
    package var pushes: (any PushDirectory)?
    /// What the server calls itself in answers: `localhost:8888`.
    package var host: String
    package var port: Int
    package var clock: @Sendable () -> Int64

    package init(
        metadata: MetadataStore,
        segments: SegmentService,
        tasks: TaskService,
        supervisors: SupervisorService,
        broker: Broker,
        lookups: LookupStore,
        pushes: (any PushDirectory)? = nil,
        host: String,
        port: Int,
        clock: @escaping @Sendable () -> Int64
    ) {
        self.metadata = metadata
        self.segments = segments
        self.tasks = tasks
        self.supervisors = supervisors
        self.broker = broker
        self.lookups = lookups
        self.pushes = pushes
        self.host = host
        self.port = port
        self.clock = clock
    }

    var address: String { "\(host):\(port)" }
    var now: String { instantText(clock()) }

    /// The router over every route, with the management proxy's aliases of the same routes.
    package func makeRouter() -> Router {
        let management =
            (taskRoutes() + supervisorRoutes() + workerRoutes() + metadataRoutes() + dataSourceRoutes() + markRoutes()
            + loadRoutes() + ruleRoutes() + configRoutes() + lookupRoutes() + clusterRoutes()).map(Self.takingJSONOnly)
        let proxied = management.map { route in
            let service = route.pattern.hasPrefix("/druid/indexer") ? "overlord" : "coordinator"
            return Route(route.method, "/proxy/\(service)\(route.pattern)", route.handler)
        }
        return Router(statusRoutes() + queryRoutes() + introspectionRoutes() + pushRoutes() + management + proxied)
    }

    /// The route, refusing bodies that are not JSON.
    private static func takingJSONOnly(_ route: Route) -> Route {
        guard route.method == "POST" else { return route }
        return Route(route.method, route.pattern) { request, parameters throws(LaminaError) in
            if !request.body.isEmpty, let refusal = refusedBodyType(request) { return refusal }
            return try route.handler(request, parameters)
        }
    }
}

/// An interval in a path, where its slash is written as an underscore.
func pathInterval(_ text: String) throws(LaminaError) -> Interval {
    try Interval(parsing: text.split(separator: "_", maxSplits: 1).joined(separator: "/"))
}
