import LaminaBase
import LaminaBitmaps

/// A condition on rows, applied batch by batch.
class Matcher {
    /// Clears the bits of slots that do not match. Only set bits need be looked at.
    func refine(_ batch: Batch, _ mask: UnsafeMutablePointer<UInt64>) throws(LaminaError) {
        preconditionFailure("a matcher without a body")
    }
}

final class NothingMatcher: Matcher {
    override func refine(_ batch: Batch, _ mask: UnsafeMutablePointer<UInt64>) throws(LaminaError) {
        maskClear(mask, words: maskWords(batch.slotCount))
    }
}

final class BitmapMatcher: Matcher {
    private let rows: NullRows

    init(_ bitmap: RoaringBitmap) { rows = NullRows(bitmap) }

    override func refine(_ batch: Batch, _ mask: UnsafeMutablePointer<UInt64>) throws(LaminaError) {
        let words = maskWords(batch.slotCount)
        if let bits = rows.mask(batch) { maskAnd(mask, bits, words: words) } else { maskClear(mask, words: words) }
    }
}

final class AndMatcher: Matcher {
    private let parts: [Matcher]

    init(_ parts: [Matcher]) { self.parts = parts }

    override func refine(_ batch: Batch, _ mask: UnsafeMutablePointer<UInt64>) throws(LaminaError) {
        let words = maskWords(batch.slotCount)
        for part in parts {
            try part.refine(batch, mask)
            if maskIsEmpty(mask, words: words) { return }
        }
    }
}

final class OrMatcher: Matcher {
    private let parts: [Matcher]
    private let found = Scratch<UInt64>(maskWords(batchRowsMax))
    private let open = Scratch<UInt64>(maskWords(batchRowsMax))

    init(_ parts: [Matcher]) { self.parts = parts }

    override func refine(_ batch: Batch, _ mask: UnsafeMutablePointer<UInt64>) throws(LaminaError) {
        let words = maskWords(batch.slotCount)
        maskClear(found.pointer, words: words)
        for part in parts {
            // Only rows that no earlier part has let through are still in question.
            maskCopy(mask, to: open.pointer, words: words)
            maskAndNot(open.pointer, found.pointer, words: words)
            if maskIsEmpty(open.pointer, words: words) { break }
            try part.refine(batch, open.pointer)
            maskOr(found.pointer, open.pointer, words: words)
        }
        maskAnd(mask, found.pointer, words: words)
    }
}

final class NotMatcher: Matcher {
    private let part: Matcher
    private let matched = Scratch<UInt64>(maskWords(batchRowsMax))

    init(_ part: Matcher) { self.part = part }

    override func refine(_ batch: Batch, _ mask: UnsafeMutablePointer<UInt64>) throws(LaminaError) {
        let words = maskWords(batch.slotCount)
        maskCopy(mask, to: matched.pointer, words: words)
        try part.refine(batch, matched.pointer)
        maskAndNot(mask, matched.pointer, words: words)
    }
}

/// Rows whose time lies in one of some intervals; for segments that are not ordered by time.
final class TimeMatcher: Matcher {
    private let times: NumericInput<Int64>
    private let intervals: [Interval]
    private let found = Scratch<UInt64>(maskWords(batchRowsMax))
    private let part = Scratch<UInt64>(maskWords(batchRowsMax))

    init(_ times: NumericInput<Int64>, in intervals: [Interval]) {
        self.times = times
        self.intervals = intervals
    }

    override func refine(_ batch: Batch, _ mask: UnsafeMutablePointer<UInt64>) throws(LaminaError) {
        let words = maskWords(batch.slotCount)
        let vector = try times.vector(batch)
        maskClear(found.pointer, words: words)
        for interval in intervals where !interval.isEmpty {
            maskCopy(mask, to: part.pointer, words: words)
            refineRangeInt64(vector.values, count: batch.slotCount, interval.start, interval.end - 1, part.pointer)
            maskOr(found.pointer, part.pointer, words: words)
        }
        maskAnd(mask, found.pointer, words: words)
    }
}
