import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaSegment
import LaminaTestSupport

/// Segments written to a folder of their own.
final class SegmentStore {
    private let root: String

    init() throws {
        root = try makeTemporaryFolder()
    }

    deinit { removeTestFiles(root) }

    func broker(_ options: Broker.Options = Broker.Options()) throws -> Broker {
        try Broker(options: options) { $0.loadSpec["path"]?.stringValue }
    }

    /// One row for each value, all at the beginning of a day of May 2024.
    ///
    /// - Parameters:
    ///   - words: the string column `s`; nil: there is none.
    ///   - shard: the first and only partition unless given.
    func segment(
        day: Int,
        version: String,
        values: [Int64],
        words: [String]? = nil,
        shard: ShardSpec = .numbered(partition: 0, core: 1)
    ) throws -> DataSegment {
        let start = try parseInstant("2024-05-01") + Int64(day) * 86_400_000
        var inputs = [InlineSegment.Input("v", .long, values.map { .long($0) })]
        if let words { inputs.append(InlineSegment.Input("s", .string, words.map { .string($0) })) }
        let rows = InlineSegment(
            times: values.map { _ in start },
            inputs,
            metrics: ["v"],
            isTimeOrdered: true
        )
        return try segment(day: day, version: version, rows, of: "d", shard: shard)
    }

    /// Rows of a day of May 2024.
    func segment(
        day: Int,
        version: String,
        _ rows: InlineSegment,
        of dataSource: String,
        shard: ShardSpec = .numbered(partition: 0, core: 1)
    ) throws -> DataSegment {
        let start = try parseInstant("2024-05-01") + Int64(day) * 86_400_000
        let interval = Interval(start: start, end: start + 86_400_000)
        let path = "\(root)/\(dataSource)-\(day)-\(version)-\(shard.partition)"
        var options = SegmentWriteOptions()
        options.interval = interval
        let written = try SegmentWriter.write(rows, to: path, options: options)
        return DataSegment(
            dataSource: dataSource,
            interval: interval,
            version: version,
            loadSpec: ["type": "local", "path": .string(path)],
            dimensions: [],
            metrics: rows.metrics,
            shardSpec: shard,
            size: written.sizeBytes
        )
    }

    func remove(_ segment: DataSegment) throws { removeTestFiles(segment.loadSpec["path"]?.stringValue ?? "") }
}
