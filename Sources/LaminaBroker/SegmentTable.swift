import LaminaBase
import LaminaSegment
import Synchronization

/// Segments that queries have opened. A segment is opened when first asked for and stays mapped while it is visible; a query
/// that holds one keeps it mapped also after it left the table.
final class SegmentTable: Sendable {
    private let open = Mutex<[SegmentID: Segment]>([:])
    private let path: @Sendable (DataSegment) -> String?

    /// - Parameter path: the folder or zip of a stored segment; nil when it has none (tombstones).
    init(path: @escaping @Sendable (DataSegment) -> String?) { self.path = path }

    /// The mapped segment; nil for tombstones.
    func view(of segment: DataSegment) throws(LaminaError) -> Segment? {
        let id = segment.id
        if let known = open.withLock({ $0[id] }) { return known }
        if segment.isTombstone { return nil }
        guard let path = path(segment) else {
            throw .unsupported("Segment \(id) has the load spec \(segment.loadSpec.text), which")
        }
        // Two threads may open it at once; mapping twice is cheap, and the first one stays.
        let opened = try Segment.open(path: path)
        return open.withLock { table in
            if let known = table[id] { return known }
            table[id] = opened
            return opened
        }
    }

    /// Forgets segments of a datasource that are not among those kept.
    func keep(_ kept: Set<SegmentID>, of dataSource: String) {
        open.withLock { table in
            table = table.filter { $0.key.dataSource != dataSource || kept.contains($0.key) }
        }
    }

    var count: Int { open.withLock { $0.count } }
}
