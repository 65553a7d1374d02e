import LaminaBase
package import LaminaQuery
import LaminaSegment

/// One run of a batch index task: reads, indexes, writes segments ready to publish.
///
/// All files lie under the work directory, which belongs to the caller; after a failure nothing is left there.
package struct IndexJob: Sendable {
    private let spec: IndexTaskSpec
    private let taskID: String
    private let directory: String
    private let inputRoot: String?
    private let lookups: LookupResolver?
    private let connector: (any StreamConnector)?
    private let threads: Int

    /// - Parameters:
    ///   - lookups: finds the look-ups that transforms name.
    ///   - connector: opens the topics of `kafka` input sources.
    package init(
        spec: IndexTaskSpec,
        taskID: String,
        workDirectory: String,
        inputRoot: String? = nil,
        lookups: LookupResolver? = nil,
        connector: (any StreamConnector)? = nil,
        threads: Int? = nil
    ) {
        self.spec = spec
        self.taskID = taskID
        directory = "\(workDirectory)/index"
        self.inputRoot = inputRoot
        self.lookups = lookups
        self.connector = connector
        self.threads = max(1, threads ?? processorCount())
    }

    /// Runs on the calling thread and helpers of its own; returns when all segments are written.
    package func run(host: any IndexJobHost) throws(IndexJobFailure) -> IndexJobResult {
        let run = IndexRun(
            spec,
            directory: directory,
            inputRoot: inputRoot,
            lookups: lookups,
            connector: connector,
            threads: threads,
            host: host
        )
        do throws(LaminaError) {
            try makeFolders(directory)
            let segments = try run.run()
            return IndexJobResult(segments: segments, reportPayload: run.report.payload(error: nil))
        } catch {
            removeFolder(directory)
            throw IndexJobFailure(error: error, reportPayload: run.report.payload(error: error))
        }
    }
}

/// The state of one run.
final class IndexRun {
    let spec: IndexTaskSpec
    let directory: String
    let inputRoot: String?
    let lookups: LookupResolver?
    let connector: (any StreamConnector)?
    let threads: Int
    let host: any IndexJobHost
    var report: IngestReport
    private let started = monotonicSeconds()
    private var reported = 0.0
    private var rowsRead: Int64 = 0
    private var bytesRead: Int64 = 0

    init(
        _ spec: IndexTaskSpec,
        directory: String,
        inputRoot: String?,
        lookups: LookupResolver?,
        connector: (any StreamConnector)?,
        threads: Int,
        host: any IndexJobHost
    ) {
        self.spec = spec
        self.lookups = lookups
        self.connector = connector
        self.directory = directory
        self.inputRoot = inputRoot
        self.threads = threads
        self.host = host
        report = IngestReport(spec)
    }

    func run() throws(LaminaError) -> [(segment: DataSegment, folder: String?)] {
        report.state = "DETERMINE_PARTITIONS"
        guard let dimensions = spec.dimensions else {
            throw .invalidInput("spec.dataSchema.dimensionsSpec must be given")
        }
        for metric in spec.metrics { try metric.checkStorable() }
        for projection in spec.projections {
            try projection.check(dimensions: dimensions.dimensions, metrics: spec.metrics)
        }
        var version: String?
        if let chunks = spec.granularity.chunks {
            version = try host.lock(Interval.condensed(chunks), appending: spec.appendsToExisting)
        }
        let rule = try chunkRule()
        let duplicates = try findDuplicates(dimensions, rule)
        let partitioner = try determinePartitioner(dimensions, rule, duplicates)
        report.state = "BUILD_SEGMENTS"
        let preparer = try RowPreparer(
            spec,
            dimensions: dimensions,
            chunks: rule,
            partitioner: partitioner,
            lookups: lookups,
            duplicates: duplicates
        )
        let builder = SegmentBuilder(
            spec,
            dimensions: dimensions.dimensions,
            metrics: preparer.metrics,
            directory: directory,
            threads: threads,
            host: host
        )
        var checksum: UInt64 = 0
        try forEachBatch(preparer) { batch throws(LaminaError) in
            report.build.add(batch.counts)
            checksum &+= batch.observation.keyed.checksum
            try note(batch)
            try builder.add(batch)
        }
        if let duplicates, duplicates.checksum != checksum {
            throw LaminaError(
                .conflict,
                code: "inputChanged",
                "The input changed between the pass that finds duplicates and the one that builds segments. Run the task again."
            )
        }
        try builder.push()
        host.log(
            "Read \(report.build.processed + report.build.processedWithError) rows"
                + " (\(report.build.thrownAway) thrown away, \(report.build.unparseable) unparseable),"
                + " spilled \(builder.spillCount) times, wrote \(builder.finished.count) segments"
        )
        if version == nil {
            let chunks = Interval.condensed(builder.finished.map(\.place.chunk))
            // Without rows there is nothing to lock, publish or replace.
            if chunks.isEmpty { return finish([]) }
            version = try host.lock(chunks, appending: spec.appendsToExisting)
        }
        let naming = SegmentNaming(spec: spec, version: version ?? "", host: host, partitioner: partitioner)
        return finish(try naming.name(builder.finished))
    }

    private func finish(
        _ segments: [(segment: DataSegment, folder: String?)]
    ) -> [(segment: DataSegment, folder: String?)] {
        report.state = "COMPLETED"
        return segments
    }

    /// Which chunks rows may go to. Appended rows join the chunks that are there, whatever their granularity.
    private func chunkRule() throws(LaminaError) -> ChunkFinder.Rule {
        var existing: [Interval] = []
        if spec.appendsToExisting {
            let stored = try host.usedSegments(overlapping: .eternity).map(\.interval)
            var seen: Set<Interval> = []
            for interval in stored.sorted() where seen.insert(interval).inserted {
                if let last = existing.last, last.overlaps(interval) { continue }
                existing.append(interval)
            }
            if let chunks = spec.granularity.chunks {
                existing = existing.filter { interval in chunks.contains { $0.overlaps(interval) } }
            }
        }
        return ChunkFinder.Rule(
            fixed: spec.granularity.chunks,
            granularity: spec.granularity.segmentGranularity,
            existing: existing
        )
    }

    // MARK: passes

    /// Runs the pipeline over the whole input.
    private func forEachBatch(
        _ preparer: RowPreparer,
        _ body: (PreparedBatch) throws(LaminaError) -> Void
    ) throws(LaminaError) {
        var options = RowSourceOptions(
            wantedFields: preparer.wantedFields,
            inputRoot: inputRoot,
            temporaryDirectory: directory,
            library: host,
            connector: connector
        )
        // Passes know rows by their numbers.
        options.readsInOrder = spec.tuning.dedup != nil
        let source = try openRows(spec.inputSource, spec.inputFormat, options)
        if let segments = source as? SegmentRowSource { report.segmentsRead = segments.segmentCount }
        let pipeline = try BatchPipeline(source, preparer, threads: threads)
        defer { pipeline.finish() }
        while let batch = try pipeline.next() {
            try host.checkCancelled()
            if let failure = batch.failure { throw failure }
            try body(batch)
            progress(batch)
        }
        progress(nil)
    }

    /// Logs and keeps bad rows, and fails when there are too many.
    private func note(_ batch: PreparedBatch) throws(LaminaError) {
        if spec.tuning.logsParseExceptions {
            for error in batch.errors { host.log("Bad row \(error.input): \(error.details.joined(separator: "; "))") }
        }
        report.save(batch.errors)
        let bad = report.build.unparseable + report.build.processedWithError
        if bad > Int64(spec.tuning.maxParseExceptions) {
            throw LaminaError(
                .runtimeFailure,
                code: "tooManyBadRows",
                "Max parse exceptions[\(spec.tuning.maxParseExceptions)] exceeded",
                context: ["maxParseExceptions": "\(spec.tuning.maxParseExceptions)"]
            )
        }
    }

    private func progress(_ batch: PreparedBatch?) {
        if let batch {
            let counts = batch.counts
            rowsRead += counts.processed + counts.processedWithError + counts.thrownAway + counts.unparseable
            bytesRead += batch.inputBytes
        }
        let now = monotonicSeconds()
        guard batch == nil || now - reported >= 0.2 else { return }
        reported = now
        host.progress(
            IndexProgress(
                phase: report.state,
                rowsRead: rowsRead,
                rowsPerSecond: Double(rowsRead) / max(now - started, 1e-6),
                bytesRead: bytesRead
            )
        )
    }

    /// Where the spec leaves buckets to the data, a first pass finds them.
    private func determinePartitioner(
        _ dimensions: DimensionsSpec,
        _ rule: ChunkFinder.Rule,
        _ duplicates: DuplicateMarks?
    ) throws(LaminaError) -> RowPartitioner {
        switch spec.tuning.partitions {
        case .dynamic: return .none
        case .hashed(let buckets?, _, let names): return .hashed(dimensions: names, buckets: .same(buckets))
        case .hashed(nil, let target, let names):
            let seen = try observe(dimensions, rule, duplicates, .distinctRows(names))
            var counts: [Interval: Int] = [:]
            for (chunk, counter) in seen.distinct {
                counts[chunk] = max(1, Int((counter.estimate / Double(target)).rounded()))
            }
            return .hashed(dimensions: names, buckets: .byChunk(counts))
        case .range(let names, let size, let grouped, _):
            let kind = Observation.Kind.rangeKeys(names, distinct: spec.granularity.rollup && !grouped)
            let seen = try observe(dimensions, rule, duplicates, kind)
            var boundaries: [Interval: RangeBoundaries] = [:]
            for (chunk, keys) in seen.keys { boundaries[chunk] = RangeBoundaries(keys: keys.list, size: size) }
            return .range(dimensions: names, boundaries: boundaries)
        }
    }

    private func observe(
        _ dimensions: DimensionsSpec,
        _ rule: ChunkFinder.Rule,
        _ duplicates: DuplicateMarks?,
        _ kind: Observation.Kind
    ) throws(LaminaError) -> Observation {
        let names: [String] =
            switch kind {
            case .distinctRows(let names): names
            case .rangeKeys(let names, _): names
            case .keys: []
            }
        let preparer = try RowPreparer(
            spec,
            dimensions: dimensions,
            chunks: rule,
            partitioner: .hashed(dimensions: names, buckets: .same(1)),
            lookups: lookups,
            observes: kind,
            duplicates: duplicates
        )
        var all = Observation()
        try forEachBatch(preparer) { batch throws(LaminaError) in all.add(batch.observation) }
        rowsRead = 0
        bytesRead = 0
        return all
    }

    /// With `dedup`, a first pass finds the rows that have to go, among those the task would index.
    private func findDuplicates(
        _ dimensions: DimensionsSpec,
        _ rule: ChunkFinder.Rule
    ) throws(LaminaError) -> DuplicateMarks? {
        guard let dedup = spec.tuning.dedup else { return nil }
        let preparer = try RowPreparer(
            spec,
            dimensions: dimensions,
            chunks: rule,
            partitioner: .none,
            lookups: lookups,
            observes: .keys(dedup)
        )
        let finder = try DuplicateFinder(
            directory: directory,
            rowsMax: spec.tuning.maxRowsInMemory,
            bytesMax: spec.tuning.maxBytesInMemory
        )
        try forEachBatch(preparer) { batch throws(LaminaError) in try finder.add(batch.observation.keyed) }
        rowsRead = 0
        bytesRead = 0
        // A misspelt key would leave one row of all.
        guard finder.hasKeys || finder.rowCount < 2 else {
            throw .invalidInput(
                "\(dedup.path).keys: no row has any of the fields [\(dedup.keys.joined(separator: ", "))]",
                context: ["path": "\(dedup.path).keys"]
            )
        }
        let marks = try finder.finish()
        host.log("Looked for duplicates by [\(dedup.keys.joined(separator: ", "))], spilled \(finder.spillCount) times")
        return marks
    }
}

extension IndexJobHost {
    /// Throws when the job is to end.
    func checkCancelled() throws(LaminaError) {
        guard isCancelled else { return }
        throw LaminaError(.canceled, code: "canceled", "The task was cancelled")
    }
}
