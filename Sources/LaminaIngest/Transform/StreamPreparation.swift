import LaminaBase

/// Times a stream takes, both inclusive: rows before are late, rows behind are early.
package struct RowBounds: Sendable, Hashable {
    package var min: Int64
    package var max: Int64

    package init(min: Int64, max: Int64) {
        self.min = min
        self.max = max
    }

    /// Every time there is.
    package static let all = RowBounds(min: .min, max: .max)
}

/// How a batch of a stream's rows is prepared beyond what the plan says.
struct StreamPreparation {
    var bounds: RowBounds
    var chunks: ChunkFinder.Rule
    /// Batch rows that are to count as unparseable, with the reason.
    var refused: [Int32: String] = [:]
}
