import LaminaBase
import LaminaEngine
import LaminaQuery
import Synchronization

/// Partials of published segments by query: what a query gave for a segment before is not computed again. Bounded in bytes, what
/// was not asked for the longest goes first. Rows that may still change are never in it.
///
/// - Source: Druid's `CachingQueryRunner`, `CacheKeyManager`, `CaffeineCache`.
final class SegmentCache: Sendable {
    struct Key: Hashable, Sendable {
        /// `cacheKey(of:)`
        var query: String
        var segment: String
        var intervals: [Interval]
        var rows: Range<Int>?
    }

    private struct Entry: Sendable {
        var partial: any SegmentPartial
        var bytes: Int
        var lastUse: UInt64
    }

    private struct State: Sendable {
        var entries: [Key: Entry] = [:]
        var bytes = 0
        var clock: UInt64 = 0
        var hits = 0
    }

    private let bytesMax: Int
    private let state = Mutex(State())

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    var isOn: Bool { bytesMax > 0 }

    /// How often a partial was found.
    var hits: Int { state.withLock { $0.hits } }

    func partial(_ key: Key) -> (any SegmentPartial)? {
        state.withLock { state in
            guard var entry = state.entries[key] else { return nil }
            state.clock += 1
            state.hits += 1
            entry.lastUse = state.clock
            state.entries[key] = entry
            return entry.partial
        }
    }

    /// Keeps a partial, unless it is big: one query must not sweep out all others.
    func store(_ partial: any SegmentPartial, _ key: Key) {
        let bytes = partial.byteCount + key.query.utf8.count + 512
        guard partial.isWhole, bytes <= bytesMax / 16 else { return }
        state.withLock { state in
            state.clock += 1
            if let old = state.entries.updateValue(
                Entry(partial: partial, bytes: bytes, lastUse: state.clock),
                forKey: key
            ) {
                state.bytes -= old.bytes
            }
            state.bytes += bytes
            if state.bytes > bytesMax { Self.shrink(&state, to: bytesMax / 4 * 3) }
        }
    }

    private static func shrink(_ state: inout State, to bytes: Int) {
        for (key, entry) in state.entries.sorted(by: { $0.value.lastUse < $1.value.lastUse }) {
            if state.bytes <= bytes { return }
            state.entries[key] = nil
            state.bytes -= entry.bytes
        }
    }

    /// Forgets segments that are no longer visible: they would keep their files mapped.
    func forget(_ gone: Set<String>) {
        if gone.isEmpty { return }
        state.withLock { state in
            for (key, entry) in state.entries where gone.contains(key.segment) {
                state.entries[key] = nil
                state.bytes -= entry.bytes
            }
        }
    }
}

/// What a query may take from the cache and leave there, and under which name.
struct CachePolicy: Sendable {
    /// nil: neither.
    var key: String?
    var reads = false
    var writes = false

    /// - Parameter isPlain: the query reads nothing but segments of tables.
    init(_ query: Query, isPlain: Bool, isOn: Bool) throws(LaminaError) {
        reads = try query.context.bool("useCache", default: true)
        writes = try query.context.bool("populateCache", default: true)
        key = isPlain && isOn && (reads || writes) ? cacheKey(of: query) : nil
    }
}

/// Context values that change neither rows nor their shape.
private let idleContext: Set<String> = [
    "queryId", "sqlQueryId", "subQueryId", "timeout", "priority", "lane", "useCache", "populateCache",
    "useResultLevelCache", "populateResultLevelCache", "maxScatterGatherBytes", "maxQueuedBytes", "If-None-Match",
    "brokerService", "debug", "defaultTimeout", "maxQueryTimeout",
]

/// The text of a query (its datasource too: that may hold filters) without what differs between equal ones; nil for queries whose answers are not kept: of rows (scan),
/// of what changes without notice (look-ups), and of nothing worth it.
///
/// - Source: `CacheStrategy.computeCacheKey` of each query type, `CacheConfig.unCacheable`.
func cacheKey(of query: Query) -> String? {
    switch query.kind {
    case .timeseries, .topN, .groupBy, .search, .timeBoundary, .segmentMetadata: break
    case .scan, .dataSourceMetadata: return nil
    }
    guard var object = query.json.objectValue else { return nil }
    let context = object["context"]?.objectValue ?? JSONObject()
    object["context"] = .object(
        JSONObject(context.entries.filter { !idleContext.contains($0.key) }.map { ($0.key, $0.value) })
    )
    object["intervals"] = nil
    let text = JSON.object(object).text
    return text.lowercased().contains("lookup") ? nil : text
}

/// Says whether an answer is still the same: a hash of the query and of the segments (with their versions) it reads.
///
/// - Source: `CachingClusteredClient.CacheKeyManager.computeResultLevelCachingEtag`.
///
/// - Returns: nil for rows that still grow, and for queries whose answers are not kept.
func entityTag(_ query: Query, _ inputs: [SegmentInput]) -> String? {
    guard !inputs.contains(where: \.isRealtime), let key = cacheKey(of: query) else { return nil }
    // FNV-1a of 128 bits.
    var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
    func add(_ text: String) {
        for byte in text.utf8 { hash = (hash ^ UInt128(byte)) &* 0x0000_0000_0100_0000_0000_0000_0000_013b }
        hash = (hash ^ 0xFF) &* 0x0000_0000_0100_0000_0000_0000_0000_013b
    }
    add(key)
    for interval in query.intervals { add(interval.text) }
    for input in inputs {
        add(input.id)
        for interval in input.intervals { add(interval.text) }
    }
    let text = String(hash, radix: 16)
    return String(repeating: "0", count: 32 - text.utf8.count) + text
}
