import LaminaBase

/// Writes the head of a journal's record: numbers in as many bytes as they need, texts behind their length.
struct HeadWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ number: Int) {
        var rest = UInt64(truncatingIfNeeded: number)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func put(_ number: Int64) { put(Int(number)) }

    mutating func put(_ text: [UInt8]) {
        put(text.count)
        bytes.append(contentsOf: text)
    }

    mutating func put(_ text: String) { put(Array(text.utf8)) }

    /// Eight bytes.
    mutating func putWord(_ word: UInt64) { bytes.append(little: word) }
}

/// Reads what `HeadWriter` wrote. The bytes have passed a checksum; still nothing is read beyond them.
struct HeadReader {
    /// The bytes end before what was asked for, or are none that a writer of this version makes.
    struct Malformed: Error {}

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func number() throws(Malformed) -> Int {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.count, shift < 64 {
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int(truncatingIfNeeded: value) }
            shift += 7
        }
        throw Malformed()
    }

    /// A number of things that each take at least a byte.
    mutating func count() throws(Malformed) -> Int {
        let count = try number()
        guard count >= 0, count <= bytes.count - position else { throw Malformed() }
        return count
    }

    /// Milliseconds since 1970, far enough from the ends of the numbers to be reckoned with.
    mutating func time() throws(Malformed) -> Int64 {
        let time = Int64(try number())
        guard time.magnitude < 1 << 60 else { throw Malformed() }
        return time
    }

    mutating func data() throws(Malformed) -> [UInt8] {
        let count = try count()
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    mutating func text() throws(Malformed) -> String { String(decoding: try data(), as: UTF8.self) }

    mutating func word() throws(Malformed) -> UInt64 {
        guard bytes.count - position >= 8 else { throw Malformed() }
        defer { position += 8 }
        return bytes.withUnsafeBytes { $0.little64(position) }
    }
}

extension Journal {
    /// A record whose checksum is right but whose head makes no sense: of another version, or another journal.
    func unreadable(_ sequence: Int64) -> LaminaError {
        LaminaError(
            .runtimeFailure,
            code: "corruptJournal",
            "Record \(sequence) of the journal in \(folder) cannot be read by this version",
            context: ["path": folder, "sequence": "\(sequence)"]
        )
    }
}
