import LaminaBase
import LaminaQuery

/// How the time of a result row is printed: ISO text in the granularity's zone, or milliseconds when the context asks.
///
/// - Source: `DateTime` serialization in `JodaStuff`; context `serializeDateTimeAsLong`.
struct TimestampLayout: Sendable {
    let granularity: Granularity
    let asLong: Bool

    init(_ context: QueryContext, _ granularity: Granularity) throws(LaminaError) {
        self.granularity = granularity
        asLong = try context.bool("serializeDateTimeAsLong", default: false)
    }

    private init(_ granularity: Granularity, asLong: Bool) {
        self.granularity = granularity
        self.asLong = asLong
    }

    /// The same, without a zone.
    var inUTC: TimestampLayout { TimestampLayout(.all, asLong: asLong) }

    func write(_ time: Int64, into writer: inout JSONWriter) {
        if asLong { writer.int(time) } else { writer.string(granularity.timestampText(time)) }
    }
}
