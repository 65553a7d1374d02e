import Glibc
import LaminaBase

/// An unnamed file of plain values that is written once and then mapped.
///
/// `@unchecked Sendable`: written by threads at places of their own, then read only.
final class PieceFile: @unchecked Sendable {
    /// Where an array lies, in bytes.
    struct Place: Sendable {
        var offset: Int
        var count: Int
    }

    private let file: UnnamedFile
    private var size = 0
    private var base: UnsafeMutableRawPointer?

    init(path: String) throws(LaminaError) { file = try UnnamedFile(path: path) }

    deinit { if let base { munmap(base, size) } }

    /// Room for an array, aligned to pages so that it can be dropped from memory by itself.
    func reserve(_ count: Int, stride: Int) -> Place {
        let place = Place(offset: size, count: count)
        size += (count * stride + 4095) / 4096 * 4096
        return place
    }

    /// Writes bytes of a length not known beforehand behind all that is reserved; by one thread, before others write.
    func append(_ body: (inout PieceWriter<UInt8>) throws(LaminaError) -> Void) throws(LaminaError) -> Place {
        var writer = PieceWriter<UInt8>(self, Place(offset: size, count: 0))
        try body(&writer)
        try writer.flush()
        return reserve(writer.end - size, stride: 1)
    }

    /// Writes bytes at a place reserved before.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LaminaError) {
        var done = 0
        while done < bytes.count {
            guard let start = bytes.baseAddress else { return }
            let count = pwrite(file.descriptor, start + done, bytes.count - done, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .io("write rows to", path: file.path, errno: errno) }
            done += count
        }
    }

    /// Ends writing.
    func map() throws(LaminaError) {
        guard size > 0 else { return }
        guard ftruncate(file.descriptor, off_t(size)) == 0 else {
            throw .io("write rows to", path: file.path, errno: errno)
        }
        guard let mapped = mmap(nil, size, PROT_READ, MAP_SHARED, file.descriptor, 0), mapped != MAP_FAILED else {
            throw .io("map", path: file.path, errno: errno)
        }
        base = mapped
    }

    func pointer<Element>(_ place: Place, as type: Element.Type) -> UnsafePointer<Element> {
        guard let base else { preconditionFailure("a piece is read before it is mapped") }
        return UnsafePointer((base + place.offset).assumingMemoryBound(to: type))
    }

    /// Lets the system drop the pages wholly inside a range; they are read again from the file when touched.
    func release(_ place: Place, stride: Int, _ rows: Range<Int>) {
        guard let base else { return }
        let start = (place.offset + rows.lowerBound * stride + 4095) / 4096 * 4096
        let end = (place.offset + rows.upperBound * stride) / 4096 * 4096
        if end > start { madvise(base + start, end - start, MADV_DONTNEED) }
    }
}

/// Writes one array in parts.
struct PieceWriter<Element: BitwiseCopyable> {
    private let file: PieceFile
    private var offset: Int
    fileprivate var buffer: [Element] = []
    fileprivate let partMax = 1 << 15
    /// Where the next flush writes to.
    fileprivate var end: Int { offset }

    init(_ file: PieceFile, _ place: PieceFile.Place) {
        self.file = file
        offset = place.offset
        buffer.reserveCapacity(partMax)
    }

    @inline(__always)
    mutating func append(_ element: Element) throws(LaminaError) {
        buffer.append(element)
        if buffer.count == partMax { try flush() }
    }

    mutating func flush() throws(LaminaError) {
        try buffer.withUnsafeBufferPointer { (values) throws(LaminaError) in
            try file.write(UnsafeRawBufferPointer(values), at: offset)
        }
        offset += buffer.count * MemoryLayout<Element>.stride
        buffer.removeAll(keepingCapacity: true)
    }
}

extension PieceWriter where Element == UInt8 {
    mutating func append(contentsOf bytes: UnsafeRawBufferPointer) throws(LaminaError) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= partMax { try flush() }
    }
}
