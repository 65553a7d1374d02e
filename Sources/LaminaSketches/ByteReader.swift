import LaminaBase

/// Reads little-endian words of a sketch; never beyond its end.
struct ByteReader {
    let bytes: [UInt8]
    private(set) var place = 0
    private let typeName: String

    init(_ bytes: [UInt8], _ typeName: String) {
        self.bytes = bytes
        self.typeName = typeName
    }

    var remaining: Int { bytes.count - place }

    func broken(_ what: String) -> LaminaError { brokenSketch(typeName, what) }

    mutating func take(_ count: Int) throws(LaminaError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw broken("\(bytes.count) bytes, which end too early") }
        defer { place += count }
        return bytes[place..<place + count]
    }

    private mutating func word<Word: FixedWidthInteger>(_ type: Word.Type) throws(LaminaError) -> Word {
        let size = MemoryLayout<Word>.size
        guard size <= remaining else { throw broken("\(bytes.count) bytes, which end too early") }
        defer { place += size }
        return bytes.withUnsafeBytes { Word(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: Word.self)) }
    }

    mutating func u8() throws(LaminaError) -> UInt8 { try word(UInt8.self) }
    mutating func u16() throws(LaminaError) -> UInt16 { try word(UInt16.self) }
    mutating func u32() throws(LaminaError) -> UInt32 { try word(UInt32.self) }
    mutating func u64() throws(LaminaError) -> UInt64 { try word(UInt64.self) }
    mutating func double() throws(LaminaError) -> Double { Double(bitPattern: try word(UInt64.self)) }
    mutating func float() throws(LaminaError) -> Float { Float(bitPattern: try word(UInt32.self)) }
}

/// Appends a word's bytes, low byte first.
func appendLittle<Word: FixedWidthInteger>(_ word: Word, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
}
