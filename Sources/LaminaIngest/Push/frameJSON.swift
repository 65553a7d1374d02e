package import LaminaBase

/// The documents of a JSON body: the elements of its arrays, and its objects.
///
/// - Parameters:
///   - isLines: whether each line stands for itself: what is malformed is one bad document then. An array that is the whole body may lie
///     on several lines all the same.
///   - rowsMax: how many there may be.
/// - Errors: `malformedBody`, not of lines: when it begins with neither `[` nor `{`, or with an array that does not end; `tooManyRows`.
package func frameJSON(_ body: [UInt8], isLines: Bool, rowsMax: Int = .max) throws(LaminaError) -> [Range<Int>] {
    var scanner = JSONScanner(isLines: isLines, rowsMax: rowsMax)
    body.withUnsafeBufferPointer { scanner.scan($0) }
    if let problem = scanner.problem { throw problem }
    return scanner.documents
}

/// Finds where documents begin and end, without looking at more than brackets and quotes: what lies between is the parser's.
private struct JSONScanner {
    private(set) var documents: [Range<Int>] = []
    private(set) var problem: LaminaError?
    /// Set as soon as a document did not end: from there on each is looked for on its line only, so that no byte is read often.
    private var isLines: Bool
    /// The same of arrays.
    private var endsArrays: Bool
    private var hasArrays = false
    private let rowsMax: Int

    init(isLines: Bool, rowsMax: Int) {
        self.isLines = isLines
        endsArrays = isLines
        self.rowsMax = rowsMax
    }

    private mutating func add(_ document: Range<Int>) {
        if documents.count < rowsMax { documents.append(document) } else { problem = tooManyRows(rowsMax) }
    }

    mutating func scan(_ bytes: UnsafeBufferPointer<UInt8>) {
        var place = 0
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { place = 3 }
        place = skipSpace(bytes, place)
        guard place < bytes.count else { return }
        guard isLines || bytes[place] == UInt8(ascii: "{") || bytes[place] == UInt8(ascii: "[") else {
            problem = malformedBody("JSON begins with { or [", at: place)
            return
        }
        if takesLines(bytes, place) { return }
        while place < bytes.count, problem == nil {
            if bytes[place] == UInt8(ascii: "[") {
                place = takeArray(bytes, place)
            } else {
                place = takeDocument(bytes, place)
            }
            place = skipSpace(bytes, place)
        }
    }

    /// The usual body: a first line that is one whole object, and others that look like it. A line that may hold several is left to the
    /// closer look.
    private mutating func takesLines(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Bool {
        guard bytes[start] == UInt8(ascii: "{"), !holdsLooseBraces(bytes) else { return false }
        var line = start
        while line < bytes.count, problem == nil {
            let feed = lineEnd(bytes, from: line)
            let begin = skipSpace(bytes, line, before: feed)
            let end = trimmedEnd(bytes, begin, feed)
            line = feed + 1
            if begin == end { continue }
            guard bytes[begin] == UInt8(ascii: "{"), bytes[end - 1] == UInt8(ascii: "}"),
                !documents.isEmpty || endOfValue(bytes, begin, before: feed) == end
            else {
                documents = []
                return false
            }
            add(begin..<end)
        }
        return true
    }

    /// An object, or what else stands at the place up to the line's end; the place behind it.
    private mutating func takeDocument(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        let opens = bytes[start] == UInt8(ascii: "{")
        if opens, let end = endOfValue(bytes, start, before: isLines ? lineEnd(bytes, from: start) : bytes.count) {
            add(start..<end)
            return end
        }
        if opens { isLines = true }
        let feed = lineEnd(bytes, from: start)
        add(start..<trimmedEnd(bytes, start, feed))
        return feed
    }

    /// The elements of an array. One that does not end is a bad line: as the first of a body of lines too, but not as the first of any
    /// other body, for that is the body itself, and what is left of it.
    private mutating func takeArray(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        let known = documents.count
        let isFirst = known == 0 && !hasArrays
        hasArrays = true
        let feed = lineEnd(bytes, from: start)
        switch elements(bytes, start, before: endsArrays && !isFirst ? feed : bytes.count) {
        case .whole(let end): return end
        case .broken(let what, let place):
            if problem != nil { return bytes.count }
            guard endsArrays || !isFirst else {
                problem = malformedBody(what, at: place)
                return bytes.count
            }
            endsArrays = true
            documents.removeLast(documents.count - known)
            add(start..<trimmedEnd(bytes, start, feed))
            return feed
        }
    }

    private enum ArrayEnd {
        case whole(Int)
        case broken(String, at: Int)
    }

    private mutating func elements(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, before limit: Int) -> ArrayEnd {
        var place = skipSpace(bytes, start + 1, before: limit)
        if place < limit, bytes[place] == UInt8(ascii: "]") { return .whole(place + 1) }
        while place < limit, problem == nil {
            let begin = place
            guard let end = endOfElement(bytes, begin, before: limit) else {
                return .broken("the array's element does not end", at: begin)
            }
            guard end > begin else { return .broken("an element of the array is missing", at: begin) }
            add(begin..<end)
            place = skipSpace(bytes, end, before: limit)
            guard place < limit else { break }
            if bytes[place] == UInt8(ascii: "]") { return .whole(place + 1) }
            guard bytes[place] == UInt8(ascii: ",") else {
                return .broken("a comma or ] must follow an element of the array", at: place)
            }
            place = skipSpace(bytes, place + 1, before: limit)
        }
        return .broken("the array does not end", at: limit)
    }

    private func endOfElement(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, before limit: Int) -> Int? {
        switch bytes[start] {
        case UInt8(ascii: "{"), UInt8(ascii: "["): return endOfValue(bytes, start, before: limit)
        case UInt8(ascii: "\""): return endOfString(bytes, start + 1, before: limit)
        default:
            var place = start
            while place < limit, bytes[place] != UInt8(ascii: ","), bytes[place] != UInt8(ascii: "]"),
                !isSpace(bytes[place])
            {
                place += 1
            }
            return place
        }
    }
}

/// Where a line ends without the space behind it.
private func trimmedEnd(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ feed: Int) -> Int {
    var end = feed
    while end > start, isSpace(bytes[end - 1]) { end -= 1 }
    return end
}

/// Whether a closing brace is followed by anything but what goes on with an object, an array or the next line.
private func holdsLooseBraces(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let base = bytes.baseAddress else { return false }
    var place = 0
    let (brace, bracket, comma) = (
        SIMD32<UInt8>(repeating: 0x7D), SIMD32<UInt8>(repeating: 0x5D), SIMD32<UInt8>(repeating: 0x2C)
    )
    let (feed, carriage) = (SIMD32<UInt8>(repeating: 0x0A), SIMD32<UInt8>(repeating: 0x0D))
    while place &+ 33 <= bytes.count {
        let now = UnsafeRawPointer(base + place).loadUnaligned(as: SIMD32<UInt8>.self)
        let next = UnsafeRawPointer(base + place + 1).loadUnaligned(as: SIMD32<UInt8>.self)
        let goesOn = next .== brace .| next .== bracket .| next .== comma .| next .== feed .| next .== carriage
        if any(now .== brace .& .!goesOn) { return true }
        place &+= 32
    }
    while place &+ 1 < bytes.count {
        if bytes[place] == 0x7D, ![0x7D, 0x5D, 0x2C, 0x0A, 0x0D].contains(bytes[place &+ 1]) { return true }
        place &+= 1
    }
    return false
}

/// One past the bracket that closes the one at `start`; nil when there is none before `limit`, or a string breaks off at its line's end.
private func endOfValue(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, before limit: Int) -> Int? {
    var depth = 0
    var place = start
    while place < limit {
        let byte = bytes[place]
        place &+= 1
        if byte == UInt8(ascii: "\"") {
            guard let end = endOfString(bytes, place, before: limit) else { return nil }
            place = end
        } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
            depth &+= 1
        } else if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
            depth &-= 1
            if depth == 0 { return place }
        }
    }
    return nil
}

/// One past the quote that ends the string whose first byte is at `start`.
private func endOfString(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, before limit: Int) -> Int? {
    var place = start
    while place < limit {
        let byte = bytes[place]
        place &+= 1
        if byte == UInt8(ascii: "\"") { return place }
        if byte == UInt8(ascii: "\\") { place &+= 1 }
        if byte == 0x0A { return nil }
    }
    return nil
}

@inline(__always)
private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

private func skipSpace(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, before limit: Int? = nil) -> Int {
    let limit = limit ?? bytes.count
    var place = start
    while place < limit, isSpace(bytes[place]) || bytes[place] == 0x1E { place += 1 }
    return place
}
