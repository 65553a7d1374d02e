import LaminaBase

/// A bounded range of memory with its owner and a name for errors: an internal file of a segment, or a part of one.
///
/// Sendable since the memory is read only.
struct MappedBytes: @unchecked Sendable {
    let memory: Memory
    let base: UnsafeRawPointer
    let count: Int
    /// The internal file this lies in, and where in it.
    let file: String
    let start: Int

    init(memory: Memory, base: UnsafeRawPointer, count: Int, file: String, start: Int = 0) {
        self.memory = memory
        self.base = base
        self.count = count
        self.file = file
        self.start = start
    }

    init(_ memory: Memory, file: String) {
        self.init(memory: memory, base: memory.base, count: memory.count, file: file)
    }

    var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
    var array: [UInt8] { Array(buffer) }

    /// A sub-range; an error when it is not inside.
    func slice(_ offset: Int, _ length: Int) throws(LaminaError) -> MappedBytes {
        guard offset >= 0, length >= 0, offset <= count, length <= count - offset else {
            throw corrupt("\(length) bytes were expected, \(max(0, count - offset)) are left", at: offset)
        }
        return MappedBytes(memory: memory, base: base + offset, count: length, file: file, start: start + offset)
    }

    func corrupt(_ what: String, at offset: Int = 0) -> LaminaError {
        .corrupt(what, at: place(offset))
    }

    /// Where a byte of this range lies, in words.
    func place(_ offset: Int = 0) -> String {
        let inside = "internal file '\(file)', byte \(start + offset)"
        return memory.origin.isEmpty ? inside : "\(inside) (\(memory.origin))"
    }
}

/// Byte order of multi-byte values.
enum ByteOrder: String, Sendable {
    case little = "LITTLE_ENDIAN"
    case big = "BIG_ENDIAN"
}

@inline(__always)
func loadBig32(_ base: UnsafeRawPointer, _ offset: Int = 0) -> Int {
    Int(Int32(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
}

@inline(__always)
func loadLittle32(_ base: UnsafeRawPointer, _ offset: Int = 0) -> Int {
    Int(Int32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
}

@inline(__always)
func load32(_ base: UnsafeRawPointer, _ offset: Int, _ order: ByteOrder) -> Int {
    order == .little ? loadLittle32(base, offset) : loadBig32(base, offset)
}

@inline(__always)
func load64(_ base: UnsafeRawPointer, _ offset: Int, _ order: ByteOrder) -> Int64 {
    let word = base.loadUnaligned(fromByteOffset: offset, as: Int64.self)
    return order == .little ? Int64(littleEndian: word) : Int64(bigEndian: word)
}
