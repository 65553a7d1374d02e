import LaminaBase
import LaminaMetadata

extension TaskService {
    /// In a kill task's work folder: the files of the segments it is about to forget.
    static let killName = "kill.json"

    /// Forgets unused segments batch by batch and removes their files.
    ///
    /// Each batch is listed in a file first, then leaves the metadata in one transaction, and only then are its files removed: whenever
    /// the process dies, every segment of the metadata has its files, and what is no longer known is removed at the next start. Files that
    /// several ids share go with the last of them.
    /// - Returns: the report's payload.
    func kill(_ spec: KillTaskSpec, work: String, host: TaskHost) throws(LaminaError) -> JSONObject {
        _ = try host.acquire([spec.interval], appending: false)
        var killed = 0
        var batches = 0
        while spec.limit.map({ killed < $0 }) ?? true {
            guard !host.isCancelled else { throw LaminaError(.canceled, code: "canceled", "The task was cancelled") }
            let size = min(spec.batchSize, spec.limit.map { $0 - killed } ?? .max)
            let batch = try unused(spec, limit: size)
            if !batch.isEmpty { killed += try forget(batch, work: work, host: host) }
            batches += 1
            host.log("Batch \(batches): \(batch.count) segments, \(killed) in all")
            if batch.isEmpty { break }
            if let limit = spec.limit, batches >= (limit + spec.batchSize - 1) / spec.batchSize { break }
        }
        return ["numSegmentsKilled": .int(Int64(killed)), "numBatchesProcessed": .int(Int64(batches))]
    }

    private func unused(_ spec: KillTaskSpec, limit: Int) throws(LaminaError) -> [DataSegment] {
        var found: [DataSegment] = []
        for record in try store.segments(dataSource: spec.dataSource, used: false) where found.count < limit {
            if let latest = spec.maxUsedStatusLastUpdated {
                // A time that cannot be read is not known to be early enough.
                guard let since = try? parseInstant(record.usedStatusLastUpdated), since <= latest else { continue }
            }
            if let versions = spec.versions, !versions.contains(record.version) { continue }
            let segment = try DataSegment(json: try JSONParser.parse(record.payload))
            if spec.interval.contains(segment.interval) { found.append(segment) }
        }
        return found
    }

    private func forget(_ batch: [DataSegment], work: String, host: TaskHost) throws(LaminaError) -> Int {
        let intent = "\(work)/\(Self.killName)"
        try writeFile(intent, Array(DeepStorage.list(batch).text.utf8))
        let gone = try segments.forgetUnused(batch.map(\.id))
        _ = try storage.removeUnpublished(listedIn: intent)
        for id in gone { host.log("Killed \(id)") }
        return gone.count
    }
}
