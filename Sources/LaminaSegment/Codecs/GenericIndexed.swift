import LaminaBase

/// An array of byte strings, possibly null: the container of dictionaries, blocks, bitmaps and objects.
///
/// Sendable: the pointers are into read-only memory that `owner` and `files` keep.
/// All offsets are checked once, when it is opened; element access afterwards is plain pointer arithmetic.
/// Source: `segment.data.GenericIndexed` (V1 in one piece, V2 in several internal files).
struct GenericIndexed: @unchecked Sendable {
    let count: Int
    /// The writer saw strictly ascending elements.
    let allowsReverseLookup: Bool
    /// Bytes this list takes in the segment, sibling files included.
    let byteCount: Int
    private let offsets: UnsafeRawPointer
    private let values: UnsafeRawPointer
    /// V2 only: one range for each value file, 2^shift elements in each.
    private let files: [MappedBytes]
    private let shift: Int
    private let owner: MappedBytes

    /// Reads at the cursor and leaves it behind the list.
    /// - Parameter sibling: finds the internal files of a V2 list.
    init(_ cursor: inout ByteCursor, sibling: (String) -> MappedBytes?) throws(LaminaError) {
        let version = try cursor.u8()
        let flag = try cursor.u8()
        guard flag <= 1 else { throw cursor.corrupt("a list's reverse-lookup flag is \(flag)") }
        allowsReverseLookup = flag == 1
        switch version {
        case 1:
            let size = try cursor.count("a list's size")
            let body = try cursor.take(size)
            var inner = ByteCursor(body)
            let count = try inner.count("a list's element count")
            guard count <= inner.remaining / 4 else {
                throw inner.corrupt("a list of \(count) elements cannot lie in \(size) bytes")
            }
            self.count = count
            byteCount = 6 + size
            offsets = body.base + 4
            values = body.base + 4 + 4 * count
            files = []
            shift = 0
            owner = body
            try Self.checkOffsets(
                offsets,
                order: .big,
                elements: 0..<count,
                valueBytes: size - 4 - 4 * count,
                in: body
            )
        case 2:
            let logElements = try cursor.count("a list's elements per file")
            guard logElements < 31 else { throw cursor.corrupt("a list has 2^\(logElements) elements per file") }
            count = try cursor.count("a list's element count")
            let name = try cursor.text()
            guard let header = sibling(name + "_header") else {
                throw cursor.corrupt("no internal file '\(name)_header'")
            }
            guard header.count == 4 * count else {
                throw header.corrupt("\(4 * count) bytes of offsets were expected, there are \(header.count)")
            }
            var files: [MappedBytes] = []
            var first = 0
            var total = header.count + 14 + name.utf8.count
            while first < count {
                guard let file = sibling(name + "_value_\(files.count)") else {
                    throw cursor.corrupt("no internal file '\(name)_value_\(files.count)'")
                }
                let last = min(count, first + 1 << logElements)
                try Self.checkOffsets(
                    header.base,
                    order: .little,
                    elements: first..<last,
                    valueBytes: file.count,
                    in: header
                )
                total += file.count
                files.append(file)
                first = last
            }
            self.files = files
            byteCount = total
            shift = logElements
            offsets = header.base
            values = header.base
            owner = header
        default: throw cursor.corrupt("unknown list version \(version)")
        }
    }

    private static func checkOffsets(
        _ offsets: UnsafeRawPointer,
        order: ByteOrder,
        elements: Range<Int>,
        valueBytes: Int,
        in bytes: MappedBytes
    ) throws(LaminaError) {
        var start = 0
        for index in elements {
            let end = load32(offsets, 4 * index, order)
            guard end - start >= 4, end <= valueBytes else {
                throw bytes.corrupt("element \(index) of a list ends at \(end) of \(valueBytes)", at: 4 * index)
            }
            start = end
        }
        guard start == valueBytes else {
            throw bytes.corrupt("a list's elements end at \(start) of \(valueBytes) bytes")
        }
    }

    /// The element's payload, without its marker. Precondition: `index < count`.
    @inline(__always)
    func element(_ index: Int) -> UnsafeRawBufferPointer {
        let (marker, length) = location(index)
        return UnsafeRawBufferPointer(start: marker + 4, count: length)
    }

    /// Null: an empty payload behind a negative marker (older writers keep lengths in the marker).
    func isNull(_ index: Int) -> Bool {
        let (marker, length) = location(index)
        return length == 0 && marker.load(as: UInt8.self) == 0xFF
    }

    @inline(__always)
    private func location(_ index: Int) -> (marker: UnsafeRawPointer, length: Int) {
        precondition(index >= 0 && index < count, "list index out of range")
        if files.isEmpty {
            let start = index == 0 ? 0 : loadBig32(offsets, 4 * (index - 1))
            return (values + start, loadBig32(offsets, 4 * index) - start - 4)
        }
        let isFirst = index & ((1 << shift) - 1) == 0
        let start = isFirst ? 0 : loadLittle32(offsets, 4 * (index - 1))
        return (files[index >> shift].base + start, loadLittle32(offsets, 4 * index) - start - 4)
    }

    /// What keeps element `index` in memory.
    func memory(of index: Int) -> Memory { files.isEmpty ? owner.memory : files[index >> shift].memory }

    /// Where element `index` lies, for errors.
    func place(_ index: Int) -> String {
        let base = files.isEmpty ? owner : files[index >> shift]
        return base.place(location(index).marker - base.base)
    }

    func corrupt(_ what: String, element index: Int) -> LaminaError { .corrupt(what, at: place(index)) }
}
