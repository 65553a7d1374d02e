import LaminaBase

/// Reads a sketch's bytes in either byte order; beyond the end is an error, never a trap.
struct ByteReader {
    private let bytes: [UInt8]
    /// What is read, for messages.
    private let kind: String
    private(set) var offset = 0

    init(_ bytes: [UInt8], _ kind: String) {
        self.bytes = bytes
        self.kind = kind
    }

    var remaining: Int { bytes.count - offset }

    func corrupt(_ what: String) -> LaminaError {
        .corrupt("a \(kind) with \(what)", at: "byte \(offset) of \(bytes.count)")
    }

    mutating func skip(_ count: Int) throws(LaminaError) {
        guard count >= 0, count <= remaining else { throw corrupt("too few bytes") }
        offset += count
    }

    mutating func take(_ count: Int) throws(LaminaError) -> ArraySlice<UInt8> {
        let start = offset
        try skip(count)
        return bytes[start..<start + count]
    }

    mutating func word<Word: FixedWidthInteger>(_ type: Word.Type) throws(LaminaError) -> Word {
        let size = MemoryLayout<Word>.size
        guard size <= remaining else { throw corrupt("too few bytes") }
        let word = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Word.self) }
        offset += size
        return word
    }

    mutating func little<Word: FixedWidthInteger>(_ type: Word.Type) throws(LaminaError) -> Word {
        Word(littleEndian: try word(type))
    }

    mutating func big<Word: FixedWidthInteger>(_ type: Word.Type) throws(LaminaError) -> Word {
        Word(bigEndian: try word(type))
    }

    mutating func bigDouble() throws(LaminaError) -> Double { Double(bitPattern: try big(UInt64.self)) }

    mutating func bigFloat() throws(LaminaError) -> Float { Float(bitPattern: try big(UInt32.self)) }
}

extension [UInt8] {
    mutating func append<Word: FixedWidthInteger>(little word: Word) {
        Swift.withUnsafeBytes(of: word.littleEndian) { append(contentsOf: $0) }
    }

    mutating func append<Word: FixedWidthInteger>(big word: Word) {
        Swift.withUnsafeBytes(of: word.bigEndian) { append(contentsOf: $0) }
    }
}
