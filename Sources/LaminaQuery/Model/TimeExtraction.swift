package import LaminaBase

/// `timeFormat`: a time floored to a granularity and printed. Source: `TimeFormatExtractionFn`.
package struct TimeFormatExtraction: Sendable {
    /// Joda pattern; nil prints ISO text, or milliseconds when `asMillis`.
    package var format: JodaPattern?
    package var zone: TimeZoneRules
    /// In the language of the `locale`.
    package var names: DateNames
    package var granularity: Granularity
    /// Texts are milliseconds, and so is the result without a format.
    package var asMillis: Bool
}

/// `time`: a text read with one pattern and printed with another; what cannot be read stays as it is.
/// Source: `TimeDimExtractionFn`.
package struct TimeExtraction: Sendable {
    package var timeFormat: JodaPattern
    package var resultFormat: JodaPattern
}
