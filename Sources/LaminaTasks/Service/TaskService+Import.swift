package import LaminaBase
import LaminaMetadata

extension TaskService {
    /// Takes segments that were made elsewhere (a Druid's deep storage) into this data directory, all at once.
    ///
    /// - Parameters:
    ///   - segments: as their `segment.json` describes them; the load spec is replaced. Ids that are stored already are left out.
    ///   - copyFiles: writes a segment's files into a folder that exists and is empty.
    /// - Returns: the segments that came in.
    package func importSegments(
        _ segments: [DataSegment],
        copyFiles: (_ index: Int, _ folder: String) throws(LaminaError) -> Void
    ) throws(LaminaError) -> [DataSegment] {
        // A folder under `work` with the intent in it: what a crash leaves is cleared by the next start.
        let work = directory.work(task: "import-\(clock())")
        try makeFolders(work)
        var built: [(segment: DataSegment, folder: String?)] = []
        do throws(LaminaError) {
            for (index, segment) in segments.enumerated() {
                if try store.segment(id: segment.id.text) != nil { continue }
                let folder = "\(work)/\(index)"
                if segment.isTombstone {
                    built.append((segment, nil))
                    continue
                }
                try makeFolders(folder)
                try copyFiles(index, folder)
                try syncFolder(folder)
                built.append((segment, folder))
            }
            let stored = try store(built, by: .tool, work: work)
            try removeTree(work)
            return stored
        } catch {
            // The error to tell is the first one; the next start removes what stays.
            _ = try? storage.removeUnpublished(listedIn: "\(work)/\(DeepStorage.intentName)")
            try? removeTree(work)
            throw error
        }
    }
}
