import LaminaBase

/// Reads fields one after another from a range of bytes; every read is checked against its end.
struct ByteCursor {
    let bytes: MappedBytes
    private(set) var position = 0

    init(_ bytes: MappedBytes) { self.bytes = bytes }

    var remaining: Int { bytes.count - position }

    func corrupt(_ what: String) -> LaminaError { bytes.corrupt(what, at: position) }

    private mutating func advance(_ length: Int) throws(LaminaError) -> UnsafeRawPointer {
        guard length >= 0, length <= remaining else {
            throw corrupt("\(length) bytes were expected, \(remaining) are left")
        }
        defer { position += length }
        return bytes.base + position
    }

    mutating func u8() throws(LaminaError) -> UInt8 { try advance(1).load(as: UInt8.self) }
    mutating func i32() throws(LaminaError) -> Int { loadBig32(try advance(4)) }
    mutating func i64() throws(LaminaError) -> Int64 { load64(try advance(8), 0, .big) }
    mutating func i32(_ order: ByteOrder) throws(LaminaError) -> Int { load32(try advance(4), 0, order) }
    mutating func i64(_ order: ByteOrder) throws(LaminaError) -> Int64 { load64(try advance(8), 0, order) }

    /// A big-endian i32 that counts something.
    mutating func count(_ what: String) throws(LaminaError) -> Int {
        let value = try i32()
        guard value >= 0 else { throw bytes.corrupt("\(what) is \(value)", at: position - 4) }
        return value
    }

    /// A little-endian (by default) i32 that counts something.
    mutating func count(_ what: String, _ order: ByteOrder) throws(LaminaError) -> Int {
        let value = try i32(order)
        guard value >= 0 else { throw bytes.corrupt("\(what) is \(value)", at: position - 4) }
        return value
    }

    mutating func take(_ length: Int) throws(LaminaError) -> MappedBytes {
        let slice = try bytes.slice(position, length)
        position += length
        return slice
    }

    mutating func rest() throws(LaminaError) -> MappedBytes { try take(remaining) }

    mutating func text(_ length: Int) throws(LaminaError) -> String {
        String(decoding: try take(length).buffer, as: UTF8.self)
    }

    /// `i32be` length, then UTF-8 (`SerializerUtils.readString`).
    mutating func text() throws(LaminaError) -> String { try text(count("a text's length")) }

    /// Druid's VByte; see `VByte`.
    mutating func vbyte() throws(LaminaError) -> Int {
        guard let read = VByte.read(bytes.buffer, at: position) else {
            throw corrupt("a variable-length number does not end")
        }
        position = read.next
        return read.value
    }
}
