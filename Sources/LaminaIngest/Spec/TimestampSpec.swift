package import LaminaBase

/// Which field holds the row's time, and how it is written.
///
/// Source: Druid's `TimestampSpec`.
package struct TimestampSpec: Sendable {
    package var column: String
    /// `auto`, `iso`, `posix`, `millis`, `micro`, `nano`, `ruby` or a Joda pattern.
    package var format: String
    /// The time of rows without one; nil makes them unparseable.
    package var missingValue: Int64?

    package init(_ node: SpecNode) throws(LaminaError) {
        _ = try node.object()
        column = try node.string("column", default: "timestamp")
        format = try node.string("format", default: "auto")
        if let missing = node.child("missingValue") {
            do throws(LaminaError) {
                missingValue = try parseInstant(missing.string())
            } catch {
                throw missing.error("is no instant: \(error.message)")
            }
        }
        // A pattern that cannot be read is refused at once, not row by row.
        _ = try TimestampParser(format: format)
    }

    /// As Druid prints it into `metadata.drd`.
    package var json: JSON {
        [
            "column": .string(column), "format": .string(format),
            "missingValue": missingValue.map { .string(instantText($0)) } ?? .null,
        ]
    }
}
