/// Walks the fields of one line of delimited text. Quoted fields are opened in place.
struct FieldSplitter {
    private let isCSV: Bool
    private let separator: UInt8
    /// The rest of a separator of several bytes.
    private let separatorRest: [UInt8]
    /// One where a byte needs a look: separator, quote, or the beginning of a list delimiter.
    private let table: UnsafeMutablePointer<UInt8>
    /// Owns the table.
    let special: SpecialBytes
    private let listByte: UInt8
    private var base: UnsafeMutablePointer<UInt8>
    private var position = 0
    private var end = 0
    private var isDone = true

    /// The field just found.
    private(set) var fieldStart = 0
    private(set) var fieldLength = 0
    private(set) var wasQuoted = false
    /// The first byte of the list delimiter occurs in the field.
    private(set) var hasListByte = false

    init(_ format: DelimitedFormat) {
        isCSV = format.isCSV
        separator = format.separator[0]
        separatorRest = Array(format.separator.dropFirst())
        listByte = format.listDelimiter[0]
        special = SpecialBytes(separator: separator, list: listByte, hasQuotes: isCSV)
        // Replaced by `begin` before anything is read.
        table = special.table
        base = special.table
    }

    mutating func begin(_ base: UnsafeMutablePointer<UInt8>, start: Int, end: Int) {
        self.base = base
        position = start
        self.end = end
        isDone = false
    }

    /// Goes to the next field; false behind the last one. A line always has at least one.
    @inline(__always)
    mutating func next() -> Bool {
        if isDone { return false }
        wasQuoted = false
        hasListByte = false
        if isCSV, position < end, base[position] == UInt8(ascii: "\"") { return quoted() }
        let start = position
        var place = start
        var hasQuote = false
        let table = table
        while place < end {
            let byte = base[place]
            if table[Int(byte)] == 0 {
                place &+= 1
                continue
            }
            if byte == separator, separatorRest.isEmpty || matchesRest(at: place &+ 1) { break }
            if byte == listByte { hasListByte = true }
            if isCSV, byte == UInt8(ascii: "\"") { hasQuote = true }
            place &+= 1
        }
        fieldStart = start
        fieldLength = place &- start
        if hasQuote { fieldLength = undouble(from: start, to: place) }
        advance(behind: place)
        return true
    }

    /// `place` is a separator or the end of the line.
    @inline(__always)
    private mutating func advance(behind place: Int) {
        if place < end {
            position = place &+ 1 &+ separatorRest.count
        } else {
            isDone = true
        }
    }

    private func matchesRest(at place: Int) -> Bool {
        guard end - place >= separatorRest.count else { return false }
        for (offset, byte) in separatorRest.enumerated() where base[place + offset] != byte { return false }
        return true
    }

    /// A field that begins with a quote ends before a separator behind an even number of quotes, or with the line. Odd forms come
    /// out as opencsv's `RFC4180Parser` has them: a single quote stays, and a quote inside swaps what counts as inside.
    private mutating func quoted() -> Bool {
        let start = position
        var fieldEnd = end
        var isInner = false
        var quote = nextQuote(from: start + 1)
        while let place = quote, place < end - 1 {
            if !isInner, base[place + 1] == separator {
                fieldEnd = place + 1
                break
            }
            var next: Int? = place
            repeat {
                next = next.flatMap { nextQuote(from: $0 + 1) }
                isInner.toggle()
            } while next.map { $0 < end - 1 && base[$0 + 1] == UInt8(ascii: "\"") } ?? false
            quote = next
        }
        wasQuoted = true
        fieldStart = start
        var textEnd = fieldEnd
        if nextQuote(from: start + 1).map({ $0 < fieldEnd }) ?? false {
            fieldStart = start + 1
            if base[textEnd - 1] == UInt8(ascii: "\"") { textEnd -= 1 }
        }
        // A line that ends in a separator has one more, empty, field, even if the separator stood in quotes.
        let hasTrailing = fieldEnd == end && base[end - 1] == separator
        fieldLength = undouble(from: fieldStart, to: textEnd)
        for offset in 0..<fieldLength where base[fieldStart + offset] == listByte { hasListByte = true }
        if hasTrailing { position = end } else { advance(behind: fieldEnd) }
        return true
    }

    private func nextQuote(from start: Int) -> Int? {
        var place = start
        while place < end, base[place] != UInt8(ascii: "\"") { place += 1 }
        return place < end ? place : nil
    }

    /// Replaces doubled quotes by single ones in place; answers the new length.
    private func undouble(from start: Int, to end: Int) -> Int {
        var target = start
        var place = start
        while place < end {
            let byte = base[place]
            base[target] = byte
            target += 1
            place += byte == UInt8(ascii: "\"") && place + 1 < end && base[place + 1] == byte ? 2 : 1
        }
        return target - start
    }
}

/// A table of 256 bytes at a fixed address.
final class SpecialBytes {
    let table: UnsafeMutablePointer<UInt8>

    init(separator: UInt8, list: UInt8, hasQuotes: Bool) {
        table = .allocate(capacity: 256)
        table.initialize(repeating: 0, count: 256)
        table[Int(separator)] = 1
        table[Int(list)] = 1
        if hasQuotes { table[Int(UInt8(ascii: "\""))] = 1 }
    }

    deinit { table.deallocate() }
}
