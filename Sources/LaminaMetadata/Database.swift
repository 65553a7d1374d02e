import CSQLite
import LaminaBase

/// One value bound to or read from a statement.
package enum SQLValue: Sendable, Hashable {
    case null
    case int(Int64)
    case text(String)
    case blob([UInt8])

    package init(_ text: String?) { self = text.map { .text($0) } ?? .null }
    package init(_ flag: Bool) { self = .int(flag ? 1 : 0) }

    package var int: Int64? { if case .int(let value) = self { value } else { nil } }

    /// Text, or a blob read as UTF-8: Druid stores payloads as blobs, tools may have written text.
    package var text: String? {
        switch self {
        case .text(let value): value
        case .blob(let bytes): String(decoding: bytes, as: UTF8.self)
        default: nil
        }
    }
}

/// One SQLite connection with kept statements.
///
/// Unchecked: not thread-safe by itself; `MetadataStore` is its only owner and calls it under its lock.
final class Database: @unchecked Sendable {
    private var handle: OpaquePointer?
    private var statements: [String: OpaquePointer] = [:]
    private let path: String

    init(path: String, readOnly: Bool) throws(LaminaError) {
        self.path = path
        let flags = (readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(path, &handle, flags, nil)
        guard code == SQLITE_OK else {
            let error = failure("open")
            sqlite3_close_v2(handle)
            handle = nil
            throw error
        }
        sqlite3_busy_timeout(handle, 10_000)
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    private func failure(_ action: String) -> LaminaError {
        let text = handle.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? "out of memory"
        return LaminaError(
            .runtimeFailure,
            code: "metadata",
            "Metadata store \(path): cannot \(action): \(text)",
            context: ["path": path]
        )
    }

    /// Runs statements without results: DDL and pragmas.
    func script(_ sql: String) throws(LaminaError) {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure("run \(sql.prefix(60))") }
    }

    private func prepared(_ sql: String) throws(LaminaError) -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        var statement: OpaquePointer?
        guard sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK,
            let statement
        else { throw failure("prepare \(sql.prefix(60))") }
        statements[sql] = statement
        return statement
    }

    private func bind(_ values: [SQLValue], to statement: OpaquePointer) throws(LaminaError) {
        for (offset, value) in values.enumerated() {
            let index = Int32(offset + 1)
            let code =
                switch value {
                case .null: sqlite3_bind_null(statement, index)
                case .int(let number): sqlite3_bind_int64(statement, index, number)
                case .text(let text): lamina_bind_text(statement, index, text, Int32(text.utf8.count))
                case .blob(let bytes): lamina_bind_blob(statement, index, bytes, Int32(bytes.count))
                }
            guard code == SQLITE_OK else { throw failure("bind a value") }
        }
    }

    /// Runs one statement and returns its rows.
    @discardableResult
    func run(_ sql: String, _ values: [SQLValue] = []) throws(LaminaError) -> [[SQLValue]] {
        let statement = try prepared(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        try bind(values, to: statement)
        var rows: [[SQLValue]] = []
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_DONE: return rows
            case SQLITE_ROW: rows.append(row(of: statement))
            default: throw failure("run \(sql.prefix(60))")
            }
        }
    }

    /// Rows changed by the last statement.
    var changes: Int { Int(sqlite3_changes(handle)) }

    private func row(of statement: OpaquePointer) -> [SQLValue] {
        (0..<sqlite3_column_count(statement)).map { index in
            switch sqlite3_column_type(statement, index) {
            case SQLITE_INTEGER: return .int(sqlite3_column_int64(statement, index))
            case SQLITE_TEXT:
                guard let text = sqlite3_column_text(statement, index) else { return .null }
                let count = Int(sqlite3_column_bytes(statement, index))
                return .text(String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self))
            case SQLITE_BLOB:
                guard let bytes = sqlite3_column_blob(statement, index) else { return .blob([]) }
                let count = Int(sqlite3_column_bytes(statement, index))
                return .blob(Array(UnsafeRawBufferPointer(start: bytes, count: count)))
            default: return .null
            }
        }
    }

    /// All or nothing: any error rolls everything back.
    func transaction<Result>(_ body: () throws(LaminaError) -> Result) throws(LaminaError) -> Result {
        try script("BEGIN IMMEDIATE")
        do throws(LaminaError) {
            let result = try body()
            try script("COMMIT")
            return result
        } catch {
            try? script("ROLLBACK")
            throw error
        }
    }
}
