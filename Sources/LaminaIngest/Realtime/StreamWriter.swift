package import LaminaBase

/// Who writes rows of a stream into segments that still grow.
package protocol StreamWriter: AnyObject, Sendable {
    /// Closes the open segments that overlap the intervals, at a batch boundary, and makes them durable together with the position
    /// behind their last row, before it returns: rows that come later go to new segments, also after a crash. From any thread.
    func cut(_ intervals: [Interval]) throws(LaminaError)

    /// Behind the rows that were there at the last `cut`; empty for streams that cannot be read again.
    var cutPosition: StreamPosition { get }
}

extension StreamWriter {
    package var cutPosition: StreamPosition { [:] }
}
