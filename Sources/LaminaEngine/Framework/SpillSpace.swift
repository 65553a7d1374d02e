package import LaminaBase

/// Where a query puts what its memory budget does not hold: bytes that live no longer than the object.
///
/// The engine knows no files; who runs a query lends it one of these. Used by all threads of the query.
///
/// - Source: Druid's `LimitedTemporaryStorage`.
package protocol SpillSpace: AnyObject, Sendable {
    /// Puts bytes behind those that are there.
    ///
    /// - Returns: where they begin.
    /// - Errors: `resourceLimitExceeded` beyond the space's limit, `io`.
    func append(_ bytes: UnsafeRawBufferPointer) throws(LaminaError) -> Int

    /// Reads bytes that were appended, as many as the buffer has room for.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError)
}

/// A piece of a spill space.
package struct SpilledBytes: Sendable {
    package var offset: Int
    package var count: Int

    package init(offset: Int, count: Int) {
        self.offset = offset
        self.count = count
    }
}

extension SpillSpace {
    /// Appends bytes of an array.
    package func append(_ bytes: [UInt8]) throws(LaminaError) -> SpilledBytes {
        // `withUnsafeBytes` of an array does not carry typed errors.
        let outcome = bytes.withUnsafeBytes { (raw) -> Result<Int, LaminaError> in
            do throws(LaminaError) { return .success(try append(raw)) } catch { return .failure(error) }
        }
        return SpilledBytes(offset: try outcome.get(), count: bytes.count)
    }
}
