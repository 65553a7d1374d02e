import LaminaBase
import LaminaIngest
import LaminaSegment
import LaminaTestSupport
import Testing

/// Every recorded ingestion step, run directly on the job: its end, its counts, its segments and their rows against Druid's.
@Suite struct GoldStepTests {

    /// Datasources whose rows the steps of another read.
    private static let sources = ["ver_k": "ver_a"]

    /// Steps of one datasource, in order: later ones build on earlier ones.
    static let groups: [[GoldCorpus.Step]] = {
        var order: [String] = []
        var bySource: [String: [GoldCorpus.Step]] = [:]
        for step in GoldCorpus.steps {
            if bySource[step.dataSource] == nil { order.append(step.dataSource) }
            bySource[step.dataSource, default: []].append(step)
        }
        #if DEBUG
            // Unoptimised code takes minutes over the steps of 60,000 rows; release runs have all of them.
            order.removeAll { heavy.contains($0) }
        #endif
        return order.compactMap { bySource[$0] }
    }()

    private static let heavy: Set<String> = [
        "wikipedia", "wikipedia_rollup", "events_rollup", "events", "events_hashed_dims", "events_hashed_target",
        "events_range", "events_single_dim",
        "events_dynamic", "events_hour", "events_pt", "events_interval", "lineitem_small",
    ]

    @Test(.enabled(if: GoldCorpus.isThere), arguments: groups.map { $0[0].dataSource })
    func stepsEndAsRecorded(_ dataSource: String) throws {
        let host = TestHost()
        let folder = freshFolder()
        defer { removeTestFiles(folder) }
        var folders: [DataSegment: String] = [:]
        let names = [Self.sources[dataSource], dataSource]
        for step in Self.groups.filter({ names.contains($0[0].dataSource) }).joined() {
            host.begin(step.dataSource)
            let wanted = try #require(GoldCorpus.answers[step.name])
            let outcome = wanted["outcome"]?.stringValue
            let json = try GoldCorpus.spec(step)
            if json["type"] == "compact" {
                try compact(step, json, host, "\(folder)/\(step.name)", &folders)
                continue
            }
            guard let spec = try? IndexTaskSpec(json: json) else {
                #expect(outcome == "rejected", "\(step.name) was refused: \(refusal(json))")
                continue
            }
            #expect(outcome != "rejected", "\(step.name) was accepted")
            let job = IndexJob(
                spec: spec,
                taskID: step.name,
                workDirectory: "\(folder)/\(step.name)",
                lookups: GoldCorpus.lookups,
                threads: 2
            )
            switch run(job, host) {
            case .success(let result):
                #expect(outcome == "success", "\(step.name) succeeded")
                host.publish(result.segments)
                for (segment, folder) in result.segments where segment.dataSource == dataSource {
                    folders[segment] = folder
                }
                let stats = counts(.object(result.reportPayload))
                #expect(
                    stats == counts(wanted["report"]?["ingestionStatsAndErrors"]?["payload"] ?? .null),
                    "\(step.name)"
                )
            case .failure(let failure):
                #expect(outcome == "failed", "\(step.name) failed: \(failure.error)")
            }
        }
        try compareSegments(dataSource, folders)
    }

    private func compact(
        _ step: GoldCorpus.Step,
        _ json: JSON,
        _ host: TestHost,
        _ folder: String,
        _ folders: inout [DataSegment: String]
    ) throws {
        let job = CompactJob(spec: try CompactTaskSpec(json: json), taskID: "t", workDirectory: folder, threads: 2)
        let result = try job.run(host: host)
        #expect(result.failures.isEmpty, "\(result.failures)")
        host.publish(result.segments)
        for (segment, folder) in result.segments { folders[segment] = folder }
        let wanted = GoldCorpus.answers[step.name]?["report"]
        for (number, report) in result.reports.enumerated() {
            let payload = wanted?["ingestionStatsAndErrors_\(number)"]?["payload"] ?? .null
            #expect(counts(.object(report.payload)) == counts(payload))
            #expect(report.payload["segmentsRead"] == payload["segmentsRead"])
            #expect(
                Set(report.context.keys) == Set(wanted?["taskContext_\(number)"]?["payload"]?.objectValue?.keys ?? [])
            )
        }
        let states = GoldCorpus.segments[step.dataSource]?.compactMap(\.lastCompactionState)
        for (segment, _) in result.segments {
            let state = try #require(segment.lastCompactionState)
            #expect(states?.contains(state) == true, "\(state.text)")
        }
    }

    private func refusal(_ json: JSON) -> String {
        do throws(LaminaError) {
            _ = try IndexTaskSpec(json: json)
            return "not refused"
        } catch {
            return error.message
        }
    }

    private func run(_ job: IndexJob, _ host: TestHost) -> Result<IndexJobResult, IndexJobFailure> {
        do throws(IndexJobFailure) {
            return .success(try job.run(host: host))
        } catch {
            return .failure(error)
        }
    }

    /// The build phase's counts without the bytes, wherever the report has them.
    private func counts(_ payload: JSON) -> JSON {
        let stats =
            payload["rowStats"]?["buildSegments"] ?? payload["rowStats"]?["totals"]?["buildSegments"] ?? .object([:])
        var object = stats.objectValue ?? JSONObject()
        object["processedBytes"] = nil
        return .object(object)
    }

    /// Shard specs and columns of all segments; rows where the corpus has them.
    private func compareSegments(_ dataSource: String, _ folders: [DataSegment: String]) throws {
        // Druid's sketch estimates the number of distinct rows, which decides here between two and three buckets.
        if dataSource == "events_hashed_target" { return }
        let wanted = GoldCorpus.segments[dataSource] ?? []
        for segment in folders.keys {
            // A later step marks this day unused, so that Druid did not list it any more.
            if dataSource == "ver_j", segment.interval.start == 1_714_608_000_000 { continue }
            let twins = wanted.filter {
                $0.interval == segment.interval && $0.shardSpec == segment.shardSpec
                    && $0.dimensions.sorted() == segment.dimensions.sorted()
                    && $0.metrics == segment.metrics
            }
            #expect(
                !twins.isEmpty,
                "\(dataSource) \(segment.interval.text) \(segment.shardSpec.json.text) \(segment.dimensions) \(segment.metrics)"
            )
        }
        for gold in try GoldSegment.all(dataSource) {
            let same = folders.filter {
                $0.key.interval == gold.segment.interval && $0.key.shardSpec == gold.segment.shardSpec
            }
            // Overwritten versions have the same interval and shard; some must have these rows.
            var problems: [String] = ["no segment for \(gold.segment.id)"]
            for (_, folder) in same {
                problems = try differences(gold, folder)
                if problems.isEmpty { break }
            }
            #expect(problems.isEmpty, "\(gold.segment.id): \(problems.prefix(6).joined(separator: "\n"))")
        }
    }

    private func differences(_ gold: GoldSegment, _ folder: String) throws -> [String] {
        let segment = try Segment.open(path: folder, cache: BlockCache(byteLimit: 1 << 24))
        var problems: [String] = []
        if segment.rowCount != gold.rows.count {
            problems.append("\(segment.rowCount) rows instead of \(gold.rows.count)")
        }
        if Set(segment.columnNames) != Set(gold.columns) {
            problems.append("columns \(segment.columnNames) instead of \(gold.columns)")
        }
        var row = 0
        try RowDump.write(segment) { text throws(LaminaError) in
            for line in text.split(separator: UInt8(ascii: "\n")) {
                let found = try JSONParser.parse(Array(line))
                guard row < gold.rows.count else { return }
                for (index, column) in gold.columns.enumerated() where found[column] != gold.rows[row][index] {
                    problems.append(
                        "row \(row), \(column): \(found[column]?.text ?? "nothing") instead of \(gold.rows[row][index].text)"
                    )
                }
                row += 1
            }
        }
        return problems
    }
}
