import LaminaBase

/// Reads a stored multi-value column. Offsets are checked as they are read.
final class StoredMultiIDReader: MultiIDReader {
    private let payload: MultiIDPayload
    private let starts: any ValueReader<UInt32>
    private let values: any ValueReader<UInt32>
    private var offsets = WordBuffer()
    private var ids = WordBuffer()

    init(_ payload: MultiIDPayload) {
        self.payload = payload
        starts = StoredStringColumn.wide(StoredStringColumn.access(payload.offsets))
        values = StoredStringColumn.wide(StoredStringColumn.access(payload.ids))
    }

    deinit {
        offsets.free()
        ids.free()
    }

    private func check(_ low: UInt32, _ high: UInt32, row: Int) throws(LaminaError) {
        guard low <= high, Int(high) <= payload.ids.count else {
            throw .corrupt("row \(row)'s ids span \(low)..\(high) of \(payload.ids.count)", at: payload.offsets.place)
        }
    }

    func read(_ rows: Range<Int>) throws(LaminaError) -> MultiIDs {
        let stored = try starts.read(rows.lowerBound..<rows.upperBound + 1)
        let first = stored[0]
        let target = offsets.room(rows.count + 1)
        target[0] = 0
        for index in 0..<rows.count {
            try check(stored[index], stored[index + 1], row: rows.lowerBound + index)
            target[index + 1] = stored[index + 1] - first
        }
        let count = Int(target[rows.count])
        let all = UnsafeBufferPointer(start: UnsafePointer(target), count: rows.count + 1)
        guard count > 0 else { return MultiIDs(offsets: all, ids: UnsafeBufferPointer(start: nil, count: 0)) }
        return MultiIDs(offsets: all, ids: try values.read(Int(first)..<Int(first) + count))
    }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> MultiIDs {
        let target = offsets.room(rows.count + 1)
        target[0] = 0
        var count = 0
        var place = 0
        while place < rows.count {
            // Neighbouring rows are read as one range.
            var end = place + 1
            while end < rows.count, rows[end] == rows[end - 1] + 1 { end += 1 }
            let first = Int(rows[place])
            let stored = try starts.read(first..<first + (end - place) + 1)
            let low = stored[0]
            for index in place..<end {
                try check(stored[index - place], stored[index - place + 1], row: Int(rows[index]))
                let next = count + Int(stored[index - place + 1] - low)
                guard next <= Int(UInt32.max) else {
                    throw .resourceLimit("More than 2^32 values in one batch of rows")
                }
                target[index + 1] = UInt32(next)
            }
            let high = stored[end - place]
            if high > low {
                let found = try values.read(Int(low)..<Int(high))
                if let source = found.baseAddress {
                    (ids.room(count + found.count, keeping: count) + count).update(from: source, count: found.count)
                }
                count += found.count
            }
            place = end
        }
        return MultiIDs(
            offsets: UnsafeBufferPointer(start: UnsafePointer(target), count: rows.count + 1),
            ids: UnsafeBufferPointer(start: UnsafePointer(ids.room(count, keeping: count)), count: count)
        )
    }
}
