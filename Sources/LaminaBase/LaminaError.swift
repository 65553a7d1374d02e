/// Who can mend an error, in Druid's words (`DruidException.Category`); the HTTP edge maps it to a status.
package enum ErrorCategory: String, Sendable {
    case defensive = "DEFENSIVE"
    case invalidInput = "INVALID_INPUT"
    case unauthorized = "UNAUTHORIZED"
    case forbidden = "FORBIDDEN"
    case notFound = "NOT_FOUND"
    case conflict = "CONFLICT"
    case capacityExceeded = "CAPACITY_EXCEEDED"
    case canceled = "CANCELED"
    case runtimeFailure = "RUNTIME_FAILURE"
    case timeout = "TIMEOUT"
    case unsupported = "UNSUPPORTED"
    case serviceUnavailable = "SERVICE_UNAVAILABLE"
    case uncategorized = "UNCATEGORIZED"
}

/// The one error type of every room: what went wrong, where, and what to do.
///
/// - `code` is short and stable, for tests and for Druid's `errorCode` (`invalidInput`, `corruptSegment`, …).
/// - `message` is a full sentence for people, with the position in it (byte, row, JSON path, line and column).
/// - `context` repeats the position for machines.
package struct LaminaError: Error, Sendable, CustomStringConvertible {
    package var category: ErrorCategory
    package var code: String
    package var message: String
    package var context: [String: String]

    package init(_ category: ErrorCategory, code: String, _ message: String, context: [String: String] = [:]) {
        self.category = category
        self.code = code
        self.message = message
        self.context = context
    }

    package var description: String { message }

    /// Bad input from a user: a query, a spec, a row.
    package static func invalidInput(_ message: String, context: [String: String] = [:]) -> LaminaError {
        LaminaError(.invalidInput, code: "invalidInput", message, context: context)
    }

    /// A feature of Druid that Lamina does not have yet; `feature` names it as the user wrote it.
    package static func unsupported(_ feature: String) -> LaminaError {
        LaminaError(
            .unsupported,
            code: "unsupported",
            "\(feature) is not supported by Lamina",
            context: ["feature": feature]
        )
    }

    /// Bytes of a segment (or another file) that do not decode; `where` names file and byte.
    package static func corrupt(_ what: String, at place: String) -> LaminaError {
        LaminaError(
            .runtimeFailure,
            code: "corruptSegment",
            "Corrupt segment: \(what) at \(place)",
            context: ["at": place]
        )
    }

    /// A bounded resource was exceeded (`Resource limit exceeded` in Druid's older error shape).
    package static func resourceLimit(_ message: String) -> LaminaError {
        LaminaError(.capacityExceeded, code: "resourceLimitExceeded", message)
    }

    /// A system call failed: `action` says what was tried, `path` on what.
    package static func io(_ action: String, path: String, errno code: Int32) -> LaminaError {
        LaminaError(
            .runtimeFailure,
            code: "io",
            "Cannot \(action) \(path): \(systemErrorText(code))",
            context: ["path": path, "errno": "\(code)"]
        )
    }
}
