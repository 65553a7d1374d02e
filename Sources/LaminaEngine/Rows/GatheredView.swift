import LaminaBase
import LaminaSegment
import Synchronization

/// Rows of another view in the order of a list, with columns beside them that a step made.
final class GatheredView: SegmentView {
    enum Made: Sendable {
        case column(name: String, Column, isUntyped: Bool)
        /// The columns of a view in memory, its rows in the order of a list of the same length, under prefixed names.
        case right(any SegmentView, PickedRows, prefix: String)
    }

    private let base: any SegmentView
    private let list: PickedRows
    private let made: Made
    private let known = Mutex<[String: Column]>([:])

    init(_ base: any SegmentView, _ list: PickedRows, _ made: Made) {
        self.base = base
        self.list = list
        self.made = made
    }

    var rowCount: Int { list.count }
    var dataInterval: Interval { base.dataInterval }

    /// Those of the base, and 0 for rows that the base lacks: wider than the rows may be.
    var timeBounds: (min: Int64, max: Int64)? {
        get throws(LaminaError) {
            guard list.hasGaps else { return try base.timeBounds }
            guard let bounds = try base.timeBounds else { return (0, 0) }
            return (min(bounds.min, 0), max(bounds.max, 0))
        }
    }

    var ordering: [OrderedColumn] { list.hasGaps ? [OrderedColumn("", ascending: false)] : base.ordering }

    var dimensions: [String] {
        let below = base.dimensions.filter { !isMade($0) }
        switch made {
        case .column(let name, _, _): return below + [name]
        case .right(let right, _, let prefix): return below + right.columnNames.map { prefix + $0 }
        }
    }

    var metrics: [String] { base.metrics.filter { !isMade($0) } }
    var metadata: JSON? { nil }
    var sizeBytes: Int64 { 0 }

    var columnNames: [String] {
        switch made {
        case .column(let name, _, _):
            let below = base.columnNames
            return below.contains(name) ? below : below + [name]
        case .right(let right, _, let prefix):
            return base.columnNames.filter { !isMade($0) } + right.columnNames.map { prefix + $0 }
        }
    }

    private func isMade(_ name: String) -> Bool {
        switch made {
        case .column(let own, _, _): own == name
        case .right(_, _, let prefix): isPrefixed(name, prefix)
        }
    }

    func isUntyped(_ column: String) -> Bool {
        guard isMade(column) else { return base.isUntyped(column) }
        switch made {
        case .column(_, _, let isUntyped): return isUntyped
        case .right(let right, _, let prefix): return right.isUntyped(withoutPrefix(column, prefix))
        }
    }

    func column(_ name: String) throws(LaminaError) -> Column? {
        if let column = known.withLock({ $0[name] }) { return column }
        guard let column = try gathered(name) else { return nil }
        known.withLock { $0[name] = column }
        return column
    }

    private func gathered(_ name: String) throws(LaminaError) -> Column? {
        guard isMade(name) else { return try base.column(name).map { gatheredColumn($0, list) } }
        switch made {
        case .column(_, let column, _): return column
        case .right(let right, let rows, let prefix):
            return try right.column(withoutPrefix(name, prefix)).map { gatheredColumn($0, rows) }
        }
    }
}

/// Whether a name means a column of a join's right side.
func isPrefixed(_ name: String, _ prefix: String) -> Bool {
    name.utf8.count > prefix.utf8.count && name.utf8.starts(with: prefix.utf8)
}

func withoutPrefix(_ name: String, _ prefix: String) -> String {
    String(decoding: name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
}
