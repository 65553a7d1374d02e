import LaminaBitmaps

/// The nulls of one column, batch by batch, as a mask over slots.
final class NullRows {
    private let rows: RoaringBitmap?
    private let mask = Scratch<UInt64>(maskWords(batchRowsMax))
    private let wide = Scratch<UInt64>(maskWords(batchRowsMax))

    init(_ rows: RoaringBitmap?) {
        if let rows, !rows.isEmpty { self.rows = rows } else { self.rows = nil }
    }

    var isNever: Bool { rows == nil }

    /// The null bits of the batch's slots; nil when none is null.
    func mask(_ batch: Batch) -> UnsafePointer<UInt64>? {
        guard let rows else { return nil }
        let words = maskWords(batch.rows.count)
        guard let gathered = batch.gathered else {
            rows.fillMask(mask.pointer, rows: batch.rows)
            return maskIsEmpty(mask.pointer, words: words) ? nil : UnsafePointer(mask.pointer)
        }
        rows.fillMask(wide.pointer, rows: batch.rows)
        if maskIsEmpty(wide.pointer, words: words) { return nil }
        maskClear(mask.pointer, words: maskWords(batch.slotCount))
        let start = batch.rows.lowerBound
        for slot in 0..<batch.slotCount where maskTest(wide.pointer, Int(gathered[slot]) - start) {
            maskSet(mask.pointer, slot)
        }
        return UnsafePointer(mask.pointer)
    }
}
