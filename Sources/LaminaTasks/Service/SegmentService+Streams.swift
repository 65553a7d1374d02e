package import LaminaBase
package import LaminaSegment

extension SegmentService {
    /// Lets queries see the rows of an allocated segment, under every id it has by now.
    /// - Returns: false when it is not allocated any more: published, replaced or withdrawn.
    package func announce(_ segment: DataSegment, rows: any RealtimeRows) throws(LaminaError) -> Bool {
        try exclusively { () throws(LaminaError) in
            var known = known(segment.dataSource)
            guard known.allocations[segment.id] != nil else { return false }
            known.allocations[segment.id]?.rows = rows
            known.refresh()
            show(segment.dataSource, known)
            return true
        }
    }
}
