import LaminaBase

/// Appends a `GenericIndexed` of version 1 to a sink: header, end offsets, then elements, each behind its marker.
///
/// The number of elements is known from the start, so that everything is written where it stays. One list may take 2 GiB;
/// beyond that `finish` throws (Druid's version 2 spreads such lists over several files, Lamina does not write it).
struct GenericIndexedBuilder {
    private let sink: ByteSink
    private let sizeAt: Int
    private let offsetsAt: Int
    private let valuesAt: Int
    private let count: Int
    private var index = 0

    /// `isSorted`: elements are strictly ascending, so that readers may search them.
    init(_ sink: ByteSink, count: Int, isSorted: Bool) throws(LaminaError) {
        self.sink = sink
        self.count = count
        sink.append(1)
        sink.append(isSorted ? 1 : 0)
        sizeAt = sink.count
        sink.bigEndian(Int32(0))
        sink.bigEndian(try int32(count, "a list"))
        offsetsAt = sink.count
        sink.zeros(count * 4)
        valuesAt = sink.count
    }

    /// Starts an element; its bytes are then appended to the sink by the caller, who calls `end`.
    @inline(__always)
    func begin(isNull: Bool = false) { sink.bigEndian(Int32(isNull ? -1 : 0)) }

    @inline(__always)
    mutating func end() {
        precondition(index < count)
        // Offsets that do not fit are caught by `finish`, which sees the total.
        sink.patchBigEndian(Int32(truncatingIfNeeded: sink.count &- valuesAt), at: offsetsAt &+ index &* 4)
        index &+= 1
    }

    @inline(__always)
    mutating func element(_ bytes: UnsafeRawBufferPointer) {
        begin()
        sink.append(bytes)
        end()
    }

    /// An element that is null.
    mutating func null() {
        begin(isNull: true)
        end()
    }

    func finish(_ what: String) throws(LaminaError) {
        precondition(index == count, "a list of \(count) elements got \(index)")
        sink.patchBigEndian(try int32(sink.count - sizeAt - 4, what), at: sizeAt)
    }
}
