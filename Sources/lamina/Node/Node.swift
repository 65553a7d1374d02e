import Glibc
import LaminaBase
import LaminaBroker
import LaminaHTTP
import LaminaKafka
import LaminaMetadata
import LaminaTasks

/// A whole Lamina over a data directory that this process alone may change.
struct Node: Sendable {
    static let defaultDirectory = "segments"

    var view: NodeView
    var tasks: TaskService
    var supervisors: SupervisorService
    private let lock: DirectoryLock

    /// Takes the directory (made if missing), recovers what a killed process left, and starts tasks that wait.
    ///
    /// - Parameter supervises: runs the supervisors again, too: rows that they held are visible when this returns.
    /// - Errors: `conflict` naming the pid of a process that holds the directory.
    init(
        _ path: String,
        options: TaskService.Options = TaskService.Options(),
        supervises: Bool = false
    ) throws(LaminaError) {
        let directory = try DataDirectory(path)
        lock = try DirectoryLock(path: directory.lock)
        do throws(LaminaError) {
            view = try NodeView(directory, MetadataStore(path: directory.metadata))
            var options = options
            options.lookups = view.lookups.resolver
            let connector = options.connector ?? KafkaConnector(secretsFolder: readEnvironment("LAMINA_SECRETS"))
            options.connector = connector
            tasks = try TaskService(
                directory: directory,
                store: view.metadata,
                segments: view.segments,
                options: options,
                clock: wallClock
            )
            supervisors = SupervisorService(tasks: tasks, connector: connector, clock: wallClock)
            if supervises {
                for (id, error) in try supervisors.start().sorted(by: { $0.key < $1.key }) {
                    complain("lamina: supervisor \(id) cannot run: \(error.message)\n")
                }
            }
        } catch {
            lock.release()
            throw error
        }
    }

    /// Stops tasks and gives the directory back.
    func close() {
        supervisors.stop()
        tasks.stop()
        lock.release()
    }

    /// What the HTTP routes work with.
    func services(host: String, port: Int) -> Services {
        Services(
            metadata: view.metadata,
            segments: view.segments,
            tasks: tasks,
            supervisors: supervisors,
            broker: view.broker,
            lookups: view.lookups,
            pushes: supervisors,
            host: host,
            port: port,
            clock: wallClock
        )
    }
}
