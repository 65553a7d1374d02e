/// A published segment as the metadata store describes it. Source: Druid's `DataSegment`.
package struct DataSegment: Sendable, Hashable {
    package var dataSource: String
    package var interval: Interval
    package var version: String
    /// Where its files are: `{"type":"local","path":".../index/"}`, `{"type":"tombstone","path":null}`, …
    package var loadSpec: JSON
    package var dimensions: [String]
    package var metrics: [String]
    package var projections: [String]?
    package var shardSpec: ShardSpec
    package var lastCompactionState: JSON?
    /// 9; nil for tombstones.
    package var binaryVersion: Int?
    /// Bytes of the files.
    package var size: Int64
    package var totalRows: Int64?

    package init(
        dataSource: String,
        interval: Interval,
        version: String,
        loadSpec: JSON,
        dimensions: [String],
        metrics: [String],
        projections: [String]? = nil,
        shardSpec: ShardSpec,
        lastCompactionState: JSON? = nil,
        binaryVersion: Int? = 9,
        size: Int64,
        totalRows: Int64? = nil
    ) {
        self.dataSource = dataSource
        self.interval = interval
        self.version = version
        self.loadSpec = loadSpec
        self.dimensions = dimensions
        self.metrics = metrics
        self.projections = projections
        self.shardSpec = shardSpec
        self.lastCompactionState = lastCompactionState
        self.binaryVersion = binaryVersion
        self.size = size
        self.totalRows = totalRows
    }

    /// A segment that says its interval is empty.
    package static func tombstone(dataSource: String, interval: Interval, version: String) -> DataSegment {
        DataSegment(
            dataSource: dataSource,
            interval: interval,
            version: version,
            loadSpec: ["path": nil, "type": "tombstone"],
            dimensions: [],
            metrics: [],
            shardSpec: .tombstone,
            binaryVersion: nil,
            size: 1
        )
    }

    package var id: SegmentID {
        SegmentID(dataSource: dataSource, interval: interval, version: version, partition: shardSpec.partition)
    }

    package var isTombstone: Bool { shardSpec.isTombstone }

    /// The folder of a `local` load spec, as written (often with a final slash); nil for other kinds.
    package var localPath: String? {
        guard loadSpec["type"]?.stringValue == "local" else { return nil }
        return loadSpec["path"]?.stringValue
    }

    /// The path under a deep storage's root, `<ds>/<start>_<end>/<version>/<partition>`.
    ///
    /// Source: Druid's `DataSegmentPusher.getDefaultStorageDir`.
    package var storagePath: String {
        "\(dataSource)/\(instantText(interval.start))_\(instantText(interval.end))/\(version)/\(shardSpec.partition)"
    }
}
