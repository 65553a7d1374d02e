package import LaminaBase
package import LaminaQuery
import LaminaSegment

/// The time of the newest row of a data source.
///
/// - Source: `DataSourceMetadataQueryRunnerFactory`, `DataSourceMetadataQuery.mergeResults`.
package struct DataSourceMetadataOperator: QueryOperator {
    package struct Partial: SegmentPartial {
        /// nil: no rows.
        var newest: Int64?
    }

    let layout: TimestampLayout
    /// Of anything but tables nothing is known: Druid names the beginning of time.
    let readsTables: Bool

    package init(_ query: Query) throws(LaminaError) {
        layout = try TimestampLayout(query.context, .all)
        readsTables =
            switch query.dataSource {
            case .table, .union: true
            default: false
            }
    }

    package func run(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> Partial {
        try run.poll()
        guard readsTables else { return Partial(newest: Interval.eternity.start) }
        return Partial(newest: input.view.rowCount > 0 ? try input.view.timeBounds?.max : nil)
    }

    package func merge(_ partials: [Partial], _ run: QueryRun) throws(LaminaError) -> Partial {
        Partial(newest: partials.compactMap(\.newest).max())
    }

    package func finalize(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> QueryResult {
        guard let newest = merged.newest else { return QueryResult([]) }
        let layout = layout
        return QueryResult {
            IndexedElements(count: 1) { _, writer in
                writer.beginObject()
                writer.key("timestamp")
                layout.write(newest, into: &writer)
                writer.key("result")
                writer.beginObject()
                writer.key("maxIngestedEventTime")
                layout.write(newest, into: &writer)
                writer.endObject()
                writer.endObject()
            }
        }
    }
}
