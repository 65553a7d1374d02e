import LaminaBase
import LaminaQuery

/// How much all inner queries of one query may give together.
///
/// - Source: `ClientQuerySegmentWalker.toInlineDataSource`, `SubqueryGuardrailHelper`: bytes are limited when the context says so,
///   else rows.
struct SubqueryLimits {
    private let rowsMax: Int64
    private let bytesMax: Int64?
    private var rows: Int64 = 0
    private var bytes: Int64 = 0

    /// `druid.server.http.maxSubqueryRows`.
    private static let defaultRowsMax: Int64 = 100_000

    /// - Parameter automaticBytes: what `maxSubqueryBytes: "auto"` allows.
    init(_ context: QueryContext, automaticBytes: Int) throws(LaminaError) {
        rowsMax = try context.int("maxSubqueryRows", default: Self.defaultRowsMax)
        if let text = context["maxSubqueryBytes"]?.stringValue?.lowercased(), text == "auto" || text == "disabled" {
            bytesMax = text == "auto" ? Int64(clamping: automaticBytes) : nil
        } else {
            bytesMax = try context.int("maxSubqueryBytes")
        }
    }

    /// How many more rows may come; for stopping early. nil: bytes count.
    var rowsLeft: Int64? { bytesMax == nil ? rowsMax - rows : nil }

    mutating func count(rows more: Int, bytes size: Int) throws(LaminaError) {
        rows = rows.addingReportingOverflow(Int64(more)).partialValue
        bytes = bytes.addingReportingOverflow(Int64(size)).partialValue
        if let bytesMax {
            if bytes > bytesMax { throw refusal("\(bytesMax)] bytes", "raise 'maxSubqueryBytes' in the query context") }
        } else if rows > rowsMax {
            throw refusal(
                "\(rowsMax)] rows",
                "raise 'maxSubqueryRows' or set 'maxSubqueryBytes' to 'auto' in the query context"
            )
        }
    }

    private func refusal(_ limit: String, _ advice: String) -> LaminaError {
        LaminaError(
            .invalidInput,
            code: "resourceLimitExceeded",
            "Cannot issue the query, subqueries generated results beyond maximum[\(limit). Narrow them, or \(advice)."
        )
    }
}
