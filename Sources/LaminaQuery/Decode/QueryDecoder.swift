package import LaminaBase

/// Decodes native JSON into the query model. Every error names the place (`query.aggregations[0].fieldName`).
///
/// Source: the Jackson-annotated constructors of each class of Druid's `org.apache.druid.query`. JSON that cannot be
/// built is `invalidInput`; what Druid has and Lamina has not is `unsupported` by the name the user wrote.
package struct QueryDecoder: Sendable {
    /// Registered look-ups; nil: there are none.
    package var lookups: LookupResolver?
    /// How many datasources lie around the one that is decoded.
    var sourceDepth = 0

    package init(lookups: LookupResolver? = nil) { self.lookups = lookups }

    func expression(_ text: String, at path: String) throws(LaminaError) -> Expression {
        do throws(LaminaError) {
            return try Expression(parsing: text, lookups: lookups)
        } catch {
            throw LaminaError(
                error.category,
                code: error.code,
                "\(path): \(error.message)",
                context: error.context.merging(["path": path]) { old, _ in old }
            )
        }
    }

    func regex(_ pattern: String, at path: String) throws(LaminaError) -> Regex {
        do throws(LaminaError) {
            return try Regex(pattern)
        } catch {
            throw .invalidInput(
                "\(path): \(error.message)",
                context: error.context.merging(["path": path]) { old, _ in old }
            )
        }
    }
}

extension Query {
    /// Decodes a native query.
    package init(json: JSON, lookups: LookupResolver? = nil) throws(LaminaError) {
        self = try QueryDecoder(lookups: lookups).query(json)
    }
}

/// The JavaScript features, and the setting that Druid has for them.
func javaScriptRefused(_ feature: String) -> LaminaError {
    // 400, not 501: clients show it as the query's mistake and do not try again.
    .invalidInput(
        "\(feature) 'javascript' is not supported by Lamina: JavaScript is disabled (druid.javascript.enabled)"
    )
}
