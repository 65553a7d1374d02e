import Glibc
import LaminaBase
import LaminaCompression
import LaminaIngest
import LaminaQuery
import LaminaSegment
import LaminaTestSupport
import Synchronization
import Testing

/// The recorded ingestion steps, their outcomes and the segments Druid made, when the corpus lies beside the package.
enum GoldCorpus {
    static let folder = goldFolder
    static let isThere = access(folder + "/specs/index.json", F_OK) == 0

    struct Step: Sendable, CustomTestStringConvertible {
        var name: String
        var file: String
        var dataSource: String
        var testDescription: String { name }
    }

    /// Steps that submit a batch task, in order; compactions and SQL are others' business.
    static let steps: [Step] = {
        guard let bytes = try? fileBytes(folder + "/specs/index.json"),
            let list = try? JSONParser.parse(bytes).arrayValue
        else {
            return []
        }
        return list.compactMap { entry in
            guard entry["kind"]?.stringValue == "task", let name = entry["name"]?.stringValue,
                let file = entry["file"]?.stringValue, let source = entry["datasource"]?.stringValue
            else { return nil }
            return Step(name: name, file: file, dataSource: source)
        }
    }()

    /// The recorded end of every step, by name.
    static let answers: [String: JSON] = {
        var out: [String: JSON] = [:]
        for line in (try? lines(folder + "/answers/ingest.jsonl")) ?? [] {
            if let name = line["name"]?.stringValue { out[name] = line }
        }
        return out
    }()

    /// Druid's segments of every datasource.
    static let segments: [String: [DataSegment]] = {
        var out: [String: [DataSegment]] = [:]
        for line in (try? lines(folder + "/answers/segments.jsonl")) ?? [] {
            guard let name = line["datasource"]?.stringValue else { continue }
            out[name] = (line["segments"]?.arrayValue ?? []).compactMap { try? DataSegment(json: $0) }
        }
        return out
    }()

    /// The look-up `names`, which the harness sets up before it ingests.
    static let lookups: LookupResolver = {
        var map: [String: String] = [:]
        if let bytes = try? fileBytes(folder + "/data/lookup_names.json"),
            let object = try? JSONParser.parse(bytes).objectValue
        {
            for (key, value) in object.entries { map[key] = value.stringValue }
        }
        let table = LookupTable(map: map)
        return { $0 == "names" ? table : nil }
    }()

    static func spec(_ step: Step) throws -> JSON {
        let text = String(decoding: try fileBytes(folder + "/specs/" + step.file), as: UTF8.self)
        let data = text.split(separator: "${DATA}", omittingEmptySubsequences: false).joined(
            separator: folder + "/data"
        )
        return try JSONParser.parse(data)
    }

    private static func lines(_ path: String) throws -> [JSON] {
        try fileBytes(path).split(separator: UInt8(ascii: "\n")).map { try JSONParser.parse(Array($0)) }
    }
}

/// A segment Druid wrote, with the truth of its rows.
struct GoldSegment {
    var segment: DataSegment
    var columns: [String]
    var rows: [[JSON]]

    /// All segments with rows of a datasource in the corpus.
    static func all(_ dataSource: String) throws -> [GoldSegment] {
        var out: [GoldSegment] = []
        let base = GoldCorpus.folder + "/segments/" + dataSource
        for number in 0..<100 {
            guard access("\(base)/\(number)/rows.json.gz", F_OK) == 0 else { continue }
            let segment = try DataSegment(
                json: JSONParser.parse(fileBytes("\(base)/\(number)/segment.json"))
            )
            let truth = try JSONParser.parse(
                gunzip(fileBytes("\(base)/\(number)/rows.json.gz"), limit: 1 << 30)
            )
            out.append(
                GoldSegment(
                    segment: segment,
                    columns: (truth["columns"]?.arrayValue ?? []).compactMap(\.stringValue),
                    rows: (truth["rows"]?.arrayValue ?? []).map { $0.arrayValue ?? [] }
                )
            )
        }
        return out
    }
}

/// A host that keeps "published" segments in memory and gives out one version after the other.
final class TestHost: IndexJobHost {
    private struct State {
        var stored: [DataSegment] = []
        /// Folders of all that was published, by id.
        var folders: [SegmentID: String] = [:]
        var version = 0
        var lines: [String] = []
        var cancelled = false
        var progress: [IndexProgress] = []
    }

    private let state = Mutex(State())

    var isCancelled: Bool { state.withLock { $0.cancelled } }
    func cancel() { state.withLock { $0.cancelled = true } }

    func lock(_ intervals: [Interval], appending: Bool) throws(LaminaError) -> String {
        state.withLock { state in
            state.version += 1
            return instantText(1_800_000_000_000 + Int64(state.version))
        }
    }

    /// The datasource of the task that runs; nil: there is one only.
    private let dataSource = Mutex<String?>(nil)
    func begin(_ name: String) { dataSource.withLock { $0 = name } }

    func allocate(_ chunk: Interval, count: Int) throws(LaminaError) -> [DataSegment] {
        let there = try usedSegments(overlapping: chunk).filter { !$0.isTombstone }
        if there.contains(where: { $0.interval != chunk }) { throw .invalidInput("\(chunk.text) overlaps others") }
        let version = there.map(\.version).max()
        let siblings = there.filter { $0.version == version }
        let first = (siblings.map(\.shardSpec.partition).max() ?? -1) + 1
        return (first..<first + count).map { number in
            DataSegment(
                dataSource: dataSource.withLock { $0 } ?? "",
                interval: chunk,
                version: version ?? instantText(1_800_000_000_000 + Int64(state.withLock { $0.version })),
                loadSpec: .null,
                dimensions: [],
                metrics: [],
                shardSpec: .numbered(partition: number, core: siblings.map(\.shardSpec.core).max() ?? 0),
                size: 0
            )
        }
    }

    func usedSegments(overlapping interval: Interval) throws(LaminaError) -> [DataSegment] {
        let name = dataSource.withLock { $0 }
        return state.withLock { state in
            state.stored.filter { $0.interval.overlaps(interval) && (name == nil || $0.dataSource == name) }
        }
    }

    func visibleSegments(of dataSource: String, in interval: Interval) throws(LaminaError) -> [SegmentTimeline.Entry] {
        SegmentTimeline(stored.filter { $0.dataSource == dataSource }).lookup(interval)
    }

    func usedSegment(_ id: String, of dataSource: String) throws(LaminaError) -> DataSegment? {
        stored.first { $0.id.text == id }
    }

    func openSegment(_ segment: DataSegment) throws(LaminaError) -> Segment {
        guard let folder = state.withLock({ $0.folders[segment.id] }) else { throw .unsupported("\(segment.id)") }
        return try Segment.open(path: folder, cache: BlockCache(byteLimit: 1 << 20))
    }

    private let watcher = Mutex<(@Sendable (String) -> Void)?>(nil)

    /// Calls `body` with every line that is logged from now on.
    func watchLog(_ body: @escaping @Sendable (String) -> Void) { watcher.withLock { $0 = body } }

    func log(_ line: String) {
        state.withLock { $0.lines.append(line) }
        watcher.withLock { $0 }?(line)
    }
    func progress(_ progress: IndexProgress) { state.withLock { $0.progress.append(progress) } }

    /// Keeps the newest version of every interval, which is all these tests need of overshadowing.
    func publish(_ segments: [DataSegment]) {
        state.withLock { state in
            for segment in segments {
                state.stored.removeAll {
                    segment.dataSource == $0.dataSource && segment.interval.contains($0.interval)
                        && $0.version < segment.version
                }
            }
            state.stored.append(contentsOf: segments)
        }
    }

    /// The same, with the folders that tasks may read later.
    func publish(_ segments: [(segment: DataSegment, folder: String?)]) {
        publish(segments.map(\.segment))
        state.withLock { state in
            for (segment, folder) in segments { state.folders[segment.id] = folder }
        }
    }

    var stored: [DataSegment] { state.withLock { $0.stored } }
    var lines: [String] { state.withLock { $0.lines } }
    var lastProgress: IndexProgress? { state.withLock { $0.progress.last } }
}
