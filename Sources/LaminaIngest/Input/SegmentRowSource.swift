import LaminaBase
import LaminaSegment

/// Rows of stored segments in batches; columns are read by whoever asks, so that several threads share the work.
final class SegmentRowSource: RowSource {
    private struct State: Sendable {
        var part = 0
        var opened: Segment?
        /// The next row of the opened segment.
        var row = 0
        var sequence = 0
        var failure: LaminaError?
    }

    /// A range of rows of one segment, to be read by one thread.
    private struct Piece {
        var segment: Segment
        var interval: Interval
        var rows: Range<Int>
        var sequence: Int
        var inputBytes: Int64
        var path: String
    }

    private static let batchRows = 8192

    private let source: DruidSource
    private let parts: [DruidSource.Part]
    private let library: any SegmentLibrary
    private let wanted: Set<String>?
    private let state = Monitor(State())

    /// Distinct segments that are read.
    var segmentCount: Int { Set(parts.map(\.segment.id)).count }

    init(_ source: DruidSource, _ library: any SegmentLibrary, wanted: Set<String>?) throws(LaminaError) {
        self.source = source
        self.library = library
        self.wanted = wanted
        parts = try source.parts(library)
    }

    func nextBatch() throws(LaminaError) -> RowBatch? {
        let piece = try state.update { (state) throws(LaminaError) in try advance(&state) }
        guard let piece else { return nil }
        do throws(LaminaError) {
            return try read(piece)
        } catch {
            state.update { $0.failure = $0.failure ?? error }
            throw error
        }
    }

    private func advance(_ state: inout State) throws(LaminaError) -> Piece? {
        if let failure = state.failure { throw failure }
        do throws(LaminaError) {
            return try next(&state)
        } catch {
            state.failure = error
            throw error
        }
    }

    private func next(_ state: inout State) throws(LaminaError) -> Piece? {
        while state.part < parts.count {
            let index = state.part
            let part = parts[index]
            let segment = if let opened = state.opened { opened } else { try library.openSegment(part.segment) }
            state.opened = segment
            let isFirst = state.row == 0
            let end = min(state.row + Self.batchRows, segment.rowCount)
            let rows = state.row..<end
            if end == segment.rowCount {
                state.part += 1
                state.opened = nil
                state.row = 0
            } else {
                state.row = end
            }
            // Druid counts a segment's files whatever part of it is read.
            let isCounted = isFirst && !parts[..<index].contains { $0.segment.id == part.segment.id }
            if rows.isEmpty && !isCounted { continue }
            state.sequence += 1
            return Piece(
                segment: segment,
                interval: part.interval,
                rows: rows,
                sequence: state.sequence - 1,
                inputBytes: isCounted ? part.segment.size : 0,
                path: part.segment.id.text
            )
        }
        return nil
    }

    private func read(_ piece: Piece) throws(LaminaError) -> RowBatch {
        let segment = piece.segment
        var reader = SegmentBatchReader(segment, try rowsInside(piece))
        for name in columnNames(segment) { try reader.add(name) }
        if let filter = source.filter, reader.rowCount > 0 { try reader.keep(filter) }
        var fields = reader.fields
        if let wanted { fields.removeAll { !wanted.contains($0.name) } }
        return RowBatch(
            sequence: piece.sequence,
            rowCount: reader.rowCount,
            fields: fields,
            owning: reader.takeBytes(),
            inputBytes: piece.inputBytes,
            path: piece.path
        )
    }

    /// What rows are made of, and what the filter asks.
    private func columnNames(_ segment: Segment) -> [String] {
        var names: [String] = []
        let needed = wanted?.union(source.filter?.fields ?? [])
        func add(_ name: String, isMetric: Bool?) {
            if let needed, !needed.contains(name) { return }
            if let isMetric, !source.reads(name, isMetric: isMetric), source.filter?.fields.contains(name) != true {
                return
            }
            names.append(name)
        }
        add("__time", isMetric: nil)
        if names.isEmpty, source.filter != nil { names.append("__time") }
        for name in segment.dimensions { add(name, isMetric: false) }
        for name in segment.metrics { add(name, isMetric: true) }
        return names
    }

    /// Rows of the piece whose time lies in its stretch.
    private func rowsInside(_ piece: Piece) throws(LaminaError) -> [UInt32] {
        var rows: [UInt32] = []
        guard !piece.rows.isEmpty else { return rows }
        rows.reserveCapacity(piece.rows.count)
        if piece.interval.contains(piece.segment.dataInterval) {
            for row in piece.rows { rows.append(UInt32(row)) }
            return rows
        }
        guard case .long(let time)? = try piece.segment.column("__time") else { return rows }
        let reader = time.makeReader()
        let values = try reader.read(piece.rows)
        for (place, row) in piece.rows.enumerated() where piece.interval.contains(values[place]) {
            rows.append(UInt32(row))
        }
        withExtendedLifetime(reader) {}
        return rows
    }
}
