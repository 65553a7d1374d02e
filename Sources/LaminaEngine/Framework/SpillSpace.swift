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

    /// Bytes of the space as memory: zeros that may be written and read, which the system keeps in the space and not in memory
    /// when that is short. They count against the space's limit as long as the object lives.
    ///
    /// - Errors: `resourceLimitExceeded` beyond the space's limit, `io`.
    func map(_ byteCount: Int) throws(LaminaError) -> SpilledMemory
}

/// A piece of a spill space that is read and written as memory.
// Sendable: all fields are let; whose the bytes are at a time is the owner's business.
package final class SpilledMemory: @unchecked Sendable {
    package let base: UnsafeMutableRawPointer
    private let release: @Sendable (UnsafeMutableRawPointer) -> Void

    /// - Parameters:
    ///   - base: aligned to pages.
    ///   - release: called once, when nobody uses the memory any more.
    package init(_ base: UnsafeMutableRawPointer, release: @escaping @Sendable (UnsafeMutableRawPointer) -> Void) {
        self.base = base
        self.release = release
    }

    deinit { release(base) }
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
        let offset = try bytes.withBytes { (raw) throws(LaminaError) in try append(raw) }
        return SpilledBytes(offset: offset, count: bytes.count)
    }
}
