import Glibc
import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaHTTP
import LaminaMetadata
import LaminaQuery
import LaminaTasks

/// Milliseconds since 1970 by the wall clock.
@Sendable
func wallClock() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}

/// The readable side of a data directory: its segments and who answers queries over them.
struct NodeView: Sendable {
    var directory: DataDirectory
    var metadata: MetadataStore
    var segments: SegmentService
    var broker: Broker
    var lookups: LookupStore

    /// Opens a directory for reading only; one that a server holds, too.
    static func open(_ path: String) throws(LaminaError) -> NodeView {
        guard fileExists(path) else { throw .notThere("There is no data directory '\(path)'") }
        let directory = try DataDirectory(path, creating: false)
        guard fileExists(directory.metadata) else {
            throw .notThere("'\(path)' is no data directory of Lamina: it has no metadata.db")
        }
        return try NodeView(directory, MetadataStore(path: directory.metadata, readOnly: true))
    }

    init(_ directory: DataDirectory, _ metadata: MetadataStore) throws(LaminaError) {
        self.directory = directory
        self.metadata = metadata
        var options = Broker.Options()
        options.threads = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let broker = try Broker(options: options) { directory.path(of: $0) }
        self.broker = broker
        segments = try SegmentService(store: metadata, clock: wallClock) {
            broker.update(dataSource: $0, timeline: $1, realtime: $2)
        }
        lookups = try LookupStore(metadata: metadata)
    }

    /// A native query's answer as JSON text.
    func answer(_ query: JSON) throws(LaminaError) -> [UInt8] {
        let result = try broker.run(try Query(json: query, lookups: lookups.resolver))
        var writer = JSONWriter()
        try result.writeJSON(into: &writer)
        return writer.bytes
    }
}
