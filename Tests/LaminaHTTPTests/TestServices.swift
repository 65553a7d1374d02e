import Glibc
import LaminaBase
import LaminaBroker
import LaminaHTTP
import LaminaMetadata
import LaminaTasks
import LaminaTestSupport

/// All services over a data directory of its own, with a clock that stands still unless it is set.
final class TestServices {
    static let now: Int64 = 1_714_600_000_000
    let directory: DataDirectory
    let services: Services
    let router: Router
    /// The wall clock, ms.
    let clock = Monitor(TestServices.now)
    /// What supervisors read.
    let stream: FakeStream
    /// Kept for as long as this is: it takes the folder with it.
    private let earlier: TestServices?

    /// - Parameter earlier: one that was stopped, over whose directory and stream this one starts again.
    init(after earlier: TestServices? = nil) throws {
        self.earlier = earlier
        stream = earlier?.stream ?? FakeStream()
        var path = earlier?.directory.root ?? ""
        if earlier == nil {
            var template = Array("/tmp/lamina-http-XXXXXX\0".utf8CString)
            guard mkdtemp(&template) != nil else { throw LaminaError.io("make a folder", path: "/tmp", errno: errno) }
            path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        }
        directory = try DataDirectory(path)
        let metadata = try MetadataStore(path: directory.metadata)
        let directory = directory
        let broker = try Broker { directory.path(of: $0) }
        let time = clock
        let clock: @Sendable () -> Int64 = { time.read { $0 } }
        let segments = try SegmentService(store: metadata, clock: clock) {
            broker.update(dataSource: $0, timeline: $1, realtime: $2)
        }
        var options = TaskService.Options()
        options.connector = stream
        let tasks = try TaskService(
            directory: directory,
            store: metadata,
            segments: segments,
            options: options,
            clock: clock
        )
        let supervisors = SupervisorService(tasks: tasks, connector: stream, clock: clock)
        services = Services(
            metadata: metadata,
            segments: segments,
            tasks: tasks,
            supervisors: supervisors,
            broker: broker,
            lookups: try LookupStore(metadata: metadata),
            pushes: supervisors,
            host: "localhost",
            port: 8888,
            clock: clock
        )
        router = services.makeRouter()
    }

    deinit {
        services.supervisors.stop()
        if earlier == nil { try? removeTree(directory.root) }
    }

    func ask(_ method: String, _ target: String, _ body: String = "", type: String? = "application/json") -> TestReply {
        let headers = type.map { ["content-type": $0] } ?? [:]
        let request = HTTPRequest(method: method, target: target, headers: headers, body: Array(body.utf8))
        let response = router.respond(to: request)
        return TestReply(
            status: response.status,
            headers: response.headers,
            text: String(decoding: response.bytes, as: UTF8.self)
        )
    }

    /// Publishes one segment a day of May 2024, files not included.
    func publish(_ dataSource: String, days: Range<Int>, version: String = "2024-05-02T00:00:00.000Z") throws {
        let day: Int64 = 86_400_000
        let start = try parseInstant("2024-05-01")
        try services.segments.publish(
            days.map { number in
                DataSegment(
                    dataSource: dataSource,
                    interval: Interval(start: start + Int64(number) * day, end: start + Int64(number + 1) * day),
                    version: version,
                    loadSpec: ["type": "local", "path": "segments/none"],
                    dimensions: ["k", "tag"],
                    metrics: ["cnt", "v"],
                    shardSpec: .numbered(partition: 0, core: 1),
                    size: 1000
                )
            }
        )
    }
}

struct TestReply {
    var status: Int
    var headers: [(name: String, value: String)]
    var text: String

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
    var json: JSON? { try? JSONParser.parse(text) }
}
