import LaminaBase

/// Takes the header lines off the beginning of an entity.
struct HeaderReader {
    private var linesToSkip: Int
    private var needsColumns: Bool
    private let delimited: DelimitedFormat?
    private(set) var columns: [String]?

    init(_ format: InputFormat) {
        if case .delimited(let delimited) = format.kind { self.init(delimited) } else { self.init(nil) }
    }

    init(_ delimited: DelimitedFormat?) {
        self.delimited = delimited
        linesToSkip = delimited?.skipHeaderRows ?? 0
        needsColumns = delimited?.findColumnsFromHeader ?? false
        columns = needsColumns ? nil : delimited?.columns
    }

    /// Moves `start` behind the header lines in the text; answers how many lines those are.
    mutating func take(_ bytes: UnsafeRawBufferPointer, from start: inout Int) throws(LaminaError) -> Int {
        var lines = 0
        while linesToSkip > 0 || needsColumns, start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != 0x0A { end += 1 }
            let next = min(end + 1, bytes.count)
            if linesToSkip > 0 {
                linesToSkip -= 1
            } else if let delimited {
                if end > start, end < bytes.count, bytes[end - 1] == 0x0D { end -= 1 }
                columns = try delimited.header(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                needsColumns = false
            }
            start = next
            lines += 1
        }
        return lines
    }
}
