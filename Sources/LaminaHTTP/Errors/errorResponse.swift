package import LaminaBase

/// The HTTP status of an error (Druid's `DruidException.Category.getExpectedStatus`).
package func httpStatus(of error: LaminaError) -> Int {
    if error.code == "resourceLimitExceeded" { return 400 }
    return switch error.category {
    case .invalidInput: 400
    case .unauthorized: 401
    case .forbidden: 403
    case .notFound: 404
    case .conflict: 409
    case .capacityExceeded: 429
    case .unsupported: 501
    case .serviceUnavailable: 503
    case .timeout: 504
    case .defensive, .canceled, .runtimeFailure, .uncategorized: 500
    }
}

/// Who has to act (`DruidException.Persona`).
private func persona(of category: ErrorCategory) -> String {
    switch category {
    case .invalidInput, .notFound, .conflict, .canceled, .forbidden, .unauthorized, .unsupported: "USER"
    case .capacityExceeded, .timeout, .serviceUnavailable: "OPERATOR"
    case .defensive, .runtimeFailure, .uncategorized: "DEVELOPER"
    }
}

/// The codes of Druid's older exceptions that clients compare word by word.
private func legacyCode(of error: LaminaError) -> (code: String, class: String)? {
    if let code = error.context["legacyErrorCode"] {
        return (code, error.context["errorClass"] ?? "org.apache.druid.query.QueryException")
    }
    if error.code == "resourceLimitExceeded" {
        return ("Resource limit exceeded", "org.apache.druid.query.ResourceLimitExceededException")
    }
    return switch error.category {
    case .timeout: ("Query timeout", "org.apache.druid.query.QueryTimeoutException")
    case .canceled: ("Query cancelled", "org.apache.druid.query.QueryInterruptedException")
    case .capacityExceeded: ("Query capacity exceeded", "org.apache.druid.query.QueryCapacityExceededException")
    case .unsupported: ("Unsupported query", "org.apache.druid.query.QueryUnsupportedException")
    case .runtimeFailure: ("Unknown exception", "org.apache.druid.query.QueryException")
    default: nil
    }
}

/// An error as Druid's services answer it: `error`, `errorCode`, `persona`, `category`, `errorMessage`, `context`, and for the kinds that
/// have an older code that in `error`, with `errorClass` and `host`.
///
/// - Source: Druid `ErrorResponse`, `QueryException`; druid-surface 9.2.
package func errorResponse(_ error: LaminaError, status: Int? = nil) -> HTTPResponse {
    var context = JSONObject(error.context.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value)) })
    var body = JSONObject()
    if let legacy = legacyCode(of: error) {
        body["error"] = .string(legacy.code)
        body["errorClass"] = .string(legacy.class)
        body["host"] = .null
        body["errorCode"] = error.code == "unsupported" ? "unsupported" : "legacyQueryException"
        context["legacyErrorCode"] = .string(legacy.code)
        context["errorClass"] = .string(legacy.class)
    } else {
        body["error"] = "druidException"
        body["errorCode"] = .string(error.code)
    }
    body["persona"] = .string(persona(of: error.category))
    body["category"] = .string(error.category.rawValue)
    body["errorMessage"] = .string(error.message)
    body["context"] = .object(context)
    return .json(.object(body), status: status ?? httpStatus(of: error))
}

/// The coordinator's and overlord's form: the message itself in `error`, with what clients of the other form read besides.
package func plainErrorResponse(_ error: LaminaError, status: Int? = nil) -> HTTPResponse {
    let message = JSON.string(error.message)
    return .json(
        ["error": message, "errorMessage": message, "category": .string(error.category.rawValue)],
        status: status ?? httpStatus(of: error)
    )
}

extension LaminaError {
    static func notFound(_ message: String) -> LaminaError { LaminaError(.notFound, code: "notFound", message) }
}
