package import LaminaBase
import LaminaIngest
import LaminaSegment

/// The used segments of a data directory as jobs read them.
final class StoredSegments: SegmentLibrary {
    private let directory: DataDirectory
    private let segments: SegmentService

    init(_ directory: DataDirectory, _ segments: SegmentService) {
        self.directory = directory
        self.segments = segments
    }

    func visibleSegments(of dataSource: String, in interval: Interval) throws(LaminaError) -> [SegmentTimeline.Entry] {
        segments.timeline(dataSource)?.lookup(interval) ?? []
    }

    func usedSegment(_ id: String, of dataSource: String) throws(LaminaError) -> DataSegment? {
        segments.timeline(dataSource)?.segments.first { $0.id.text == id }
    }

    func openSegment(_ segment: DataSegment) throws(LaminaError) -> Segment {
        guard let path = directory.path(of: segment) else {
            throw .unsupported("reading \(segment.id), whose load spec is \(segment.loadSpec.text)")
        }
        return try Segment.open(path: path)
    }
}

extension TaskService {
    /// Reads the first rows of an input and answers what an index task would make of them; nothing is stored.
    package func sample(_ json: JSON) throws(LaminaError) -> JSON {
        try SampleJob(
            json: json,
            inputRoot: options.inputRoot,
            lookups: options.lookups,
            library: StoredSegments(directory, segments),
            connector: options.connector
        ).run()
    }
}
