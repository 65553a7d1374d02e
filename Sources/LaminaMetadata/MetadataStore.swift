package import LaminaBase
import Synchronization

/// The durable facts of a data directory, in Druid's tables: segments, tasks, locks, rules, configuration.
///
/// One connection under one lock: writes are rare (publishes, task changes), and reads are kept in memory by their users.
/// Every write is synced before it returns (WAL, `synchronous=FULL`).
///
/// - Source: Druid's `SQLMetadataConnector`, `IndexerSQLMetadataStorageCoordinator`.
package final class MetadataStore: Sendable {
    private let connection: Database
    private let lock = Mutex(())

    /// Opens or creates the store.
    ///
    /// - Parameters:
    ///   - path: the database file.
    ///   - readOnly: for commands that look into a directory which a server may hold.
    package init(path: String, readOnly: Bool = false) throws(LaminaError) {
        let connection = try Database(path: path, readOnly: readOnly)
        if !readOnly {
            try connection.script("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF")
            try connection.transaction { () throws(LaminaError) in
                for statement in schemaStatements { try connection.script(statement) }
            }
        }
        self.connection = connection
    }

    /// How the store keeps its promise: SQLite's journal mode, and 2 for `synchronous=FULL`.
    package func journaling() throws(LaminaError) -> (mode: String, synchronous: Int64) {
        let (mode, level) = try access { database throws(LaminaError) in
            (try database.run("PRAGMA journal_mode"), try database.run("PRAGMA synchronous"))
        }
        return (mode.first?.first?.text ?? "", level.first?.first?.int ?? -1)
    }

    /// Runs `body` alone on the connection.
    func access<Result>(_ body: (Database) throws(LaminaError) -> Result) throws(LaminaError) -> Result {
        try holding { () throws(LaminaError) in try body(connection) }
    }

    /// As `access`, in one transaction.
    func transaction<Result>(_ body: (Database) throws(LaminaError) -> Result) throws(LaminaError) -> Result {
        try holding { () throws(LaminaError) in
            try connection.transaction { () throws(LaminaError) in try body(connection) }
        }
    }

    /// The lock's own `withLock` would demand that everything crossing it is sent; the connection never leaves this type.
    private func holding<Result>(_ body: () throws(LaminaError) -> Result) throws(LaminaError) -> Result {
        lock._unsafeLock()
        defer { lock._unsafeUnlock() }
        return try body()
    }
}
