package import LaminaBase

/// A native query, decoded and checked. SQL lowers to this; `EXPLAIN` prints it.
package struct Query: Sendable {
    package var kind: Kind
    package var dataSource: DataSource
    package var intervals: [Interval]
    package var filter: Filter?
    package var virtualColumns: [VirtualColumn]
    package var context: QueryContext
    /// The JSON the query was decoded from or lowered to.
    package var json: JSON
    /// A groupBy under another one: its rows keep the time of their interval, its sketches stay unfinished.
    package var isReadByGroupBy = false
    /// An inner query may stop when it has more rows than this: they will be refused.
    package var rowsMax = Int.max

    package init(
        kind: Kind,
        dataSource: DataSource,
        intervals: [Interval],
        filter: Filter? = nil,
        virtualColumns: [VirtualColumn] = [],
        context: QueryContext = QueryContext(),
        json: JSON = .null
    ) {
        self.kind = kind
        self.dataSource = dataSource
        self.intervals = intervals
        self.filter = filter
        self.virtualColumns = virtualColumns
        self.context = context
        self.json = json
    }

    package enum Kind: Sendable {
        case timeseries(TimeseriesQuery)
        case topN(TopNQuery)
        case groupBy(GroupByQuery)
        case scan(ScanQuery)
        case search(SearchQuery)
        case timeBoundary(TimeBoundaryQuery)
        case segmentMetadata(SegmentMetadataQuery)
        case dataSourceMetadata

        /// Druid's `queryType`.
        package var name: String {
            switch self {
            case .timeseries: "timeseries"
            case .topN: "topN"
            case .groupBy: "groupBy"
            case .scan: "scan"
            case .search: "search"
            case .timeBoundary: "timeBoundary"
            case .segmentMetadata: "segmentMetadata"
            case .dataSourceMetadata: "dataSourceMetadata"
            }
        }
    }
}

package struct TimeseriesQuery: Sendable {
    package var granularity: Granularity
    package var descending = false
    package var aggregations: [Aggregator] = []
    package var postAggregations: [PostAggregator] = []
    package var limit: Int?

    package init(granularity: Granularity) { self.granularity = granularity }
}

package struct TopNQuery: Sendable {
    package var granularity: Granularity
    package var dimension: DimensionSpec
    package var metric: TopNMetric
    package var threshold: Int
    package var aggregations: [Aggregator] = []
    package var postAggregations: [PostAggregator] = []

    package init(granularity: Granularity, dimension: DimensionSpec, metric: TopNMetric, threshold: Int) {
        self.granularity = granularity
        self.dimension = dimension
        self.metric = metric
        self.threshold = threshold
    }
}

package indirect enum TopNMetric: Sendable {
    case numeric(metric: String)
    case dimension(ordering: StringOrdering, previousStop: String?)
    case inverted(TopNMetric)
}

package struct GroupByQuery: Sendable {
    package var granularity: Granularity
    package var dimensions: [DimensionSpec]
    package var aggregations: [Aggregator] = []
    package var postAggregations: [PostAggregator] = []
    package var having: Having?
    package var limitSpec: LimitSpec?
    /// Lists of output names; nil without `subtotalsSpec`.
    package var subtotals: [[String]]?

    package init(granularity: Granularity, dimensions: [DimensionSpec]) {
        self.granularity = granularity
        self.dimensions = dimensions
    }
}

package struct LimitSpec: Sendable {
    package var limit: Int?
    package var offset: Int
    package var columns: [OrderByColumn]

    package init(limit: Int?, offset: Int, columns: [OrderByColumn]) {
        self.limit = limit
        self.offset = offset
        self.columns = columns
    }
}

package struct OrderByColumn: Sendable, Hashable {
    package var name: String
    package var descending: Bool
    package var ordering: StringOrdering

    package init(name: String, descending: Bool, ordering: StringOrdering) {
        self.name = name
        self.descending = descending
        self.ordering = ordering
    }
}

package indirect enum Having: Sendable {
    case filter(Filter)
    case greaterThan(aggregation: String, value: JSON)
    case lessThan(aggregation: String, value: JSON)
    case equalTo(aggregation: String, value: JSON)
    case dimSelector(dimension: DimensionSpec, value: String?)
    case and([Having])
    case or([Having])
    case not(Having)
    case always
    case never
}

package struct ScanQuery: Sendable {
    /// Empty: every column of each segment.
    package var columns: [String] = []
    package var resultFormat: ResultFormat = .list
    package var batchSize: Int = 20480
    package var offset: Int64 = 0
    /// nil: no limit.
    package var limit: Int64?
    package var order: TimeOrder = .none
    /// Columns to order by, when they are more or others than the time; `order` is `none` then.
    package var orderBy: [ColumnOrder] = []
    package var columnTypes: [ColumnType]?

    package init() {}

    package enum ResultFormat: String, Sendable {
        case list
        case compactedList
    }

    /// Natural order, null first; the other way round when descending.
    package struct ColumnOrder: Sendable, Hashable {
        package var name: String
        package var descending: Bool

        package init(name: String, descending: Bool) {
            self.name = name
            self.descending = descending
        }
    }

    package enum TimeOrder: String, Sendable {
        case none
        case ascending
        case descending
    }
}

package struct SearchQuery: Sendable {
    package var granularity: Granularity
    /// nil: all dimensions.
    package var dimensions: [DimensionSpec]?
    package var search: SearchSpec
    package var sort: StringOrdering
    package var limit: Int

    package init(
        granularity: Granularity,
        dimensions: [DimensionSpec]?,
        search: SearchSpec,
        sort: StringOrdering,
        limit: Int
    ) {
        self.granularity = granularity
        self.dimensions = dimensions
        self.search = search
        self.sort = sort
        self.limit = limit
    }
}

/// What a string must look like (Druid's `SearchQuerySpec`).
package enum SearchSpec: Sendable, Hashable {
    case contains(String, caseSensitive: Bool)
    case fragment([String], caseSensitive: Bool)
    /// Found anywhere in the value.
    case regex(Regex)
    /// Everything, null too.
    case all
}

package struct TimeBoundaryQuery: Sendable {
    package var bound: Bound?

    package init(bound: Bound?) { self.bound = bound }

    package enum Bound: String, Sendable {
        case minTime
        case maxTime
    }
}

package struct SegmentMetadataQuery: Sendable {
    package var columns: Columns = .all
    package var merge = false
    package var analyses: Set<Analysis> = [.cardinality, .interval, .minmax]
    package var aggregatorMergeStrategy: MergeStrategy = .strict
    /// True when the query named no intervals: only the last week of data is looked at.
    package var usesDefaultInterval = false

    package init() {}

    package enum Columns: Sendable, Hashable {
        case all
        case none
        case list([String])
    }

    package enum Analysis: String, Sendable, CaseIterable {
        case cardinality, size, interval, aggregators, minmax, timestampSpec, queryGranularity, rollup
    }

    package enum MergeStrategy: String, Sendable {
        case strict, lenient, earliest, latest
    }
}
