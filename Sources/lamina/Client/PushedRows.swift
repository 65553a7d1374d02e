import Glibc
import LaminaBase
import LaminaCompression
import LaminaIngest

/// Cuts a file, or standard input, into batches of rows. Lines are read as they are sent; JSON that is not one object a line is read whole.
final class PushedRows {
    struct Batch {
        var body: [UInt8]
        var count: Int
        var contentType: String
    }

    private let source: any ByteSource
    private let rowsMax: Int
    private let bytesMax = 8 << 20
    private let size: Int64?
    private let counter: CountingSource
    /// What is read and not sent.
    private var buffer: [UInt8] = []
    private var place = 0
    private var atEnd = false
    /// Documents of JSON that was read whole.
    private var documents: ArraySlice<Range<Int>>?
    private var header: [UInt8] = []
    private var contentType = "application/x-ndjson"

    init(_ path: String, rowsMax: Int, hasHeader: Bool) throws(LaminaError) {
        self.rowsMax = rowsMax
        counter = CountingSource(try FileByteSource(path: path == "-" ? "/dev/stdin" : path))
        var status = stat()
        size = path != "-" && stat(path, &status) == 0 && status.st_size > 0 ? Int64(status.st_size) : nil
        source = try decompressing(counter, name: path)
        try open(hasHeader)
    }

    /// How much of the file is read.
    var fraction: Double? { size.map { min(1, Double(counter.count) / Double($0)) } }

    private func open(_ hasHeader: Bool) throws(LaminaError) {
        try fill()
        while place < buffer.count, [0x20, 0x09, 0x0A, 0x0D].contains(buffer[place]) { place += 1 }
        if hasHeader {
            header = Array(try line() ?? [])
            header.append(0x0A)
        }
        guard place < buffer.count else { return }
        guard !hasHeader, buffer[place] == UInt8(ascii: "{") || buffer[place] == UInt8(ascii: "[") else {
            contentType = "text/plain"
            return
        }
        if buffer[place] == UInt8(ascii: "{") {
            let start = place
            let first = Array(try line() ?? [])
            place = start
            let framed = try frameJSON(first, isLines: true)
            if framed.count == 1, first.last(where: { $0 != 0x20 && $0 != 0x0D }) == UInt8(ascii: "}") { return }
        }
        while !atEnd { try fill() }
        buffer.removeFirst(place)
        place = 0
        documents = try frameJSON(buffer, isLines: false)[...]
        contentType = "application/json"
    }

    func next() throws(LaminaError) -> Batch? {
        if documents != nil { return nextDocuments() }
        var body = header
        var count = 0
        while count < rowsMax, body.count < bytesMax, let line = try line() {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D }) { continue }
            body.append(contentsOf: line)
            body.append(0x0A)
            count += 1
        }
        return count == 0 ? nil : Batch(body: body, count: count, contentType: contentType)
    }

    private func nextDocuments() -> Batch? {
        var body: [UInt8] = [UInt8(ascii: "[")]
        var count = 0
        while count < rowsMax, body.count < bytesMax, let document = documents?.popFirst() {
            if count > 0 { body.append(UInt8(ascii: ",")) }
            body.append(contentsOf: buffer[document])
            count += 1
        }
        body.append(UInt8(ascii: "]"))
        return count == 0 ? nil : Batch(body: body, count: count, contentType: contentType)
    }

    /// The next line without its end.
    private func line() throws(LaminaError) -> ArraySlice<UInt8>? {
        var searched = place
        while true {
            if let feed = buffer[searched...].firstIndex(of: 0x0A) {
                defer { place = feed + 1 }
                return buffer[place..<feed]
            }
            searched = buffer.count
            if atEnd {
                defer { place = buffer.count }
                return place < buffer.count ? buffer[place...] : nil
            }
            searched -= place
            try fill()
        }
    }

    /// Reads some more; what was sent goes.
    private func fill() throws(LaminaError) {
        if place > 0 {
            buffer.removeFirst(place)
            place = 0
        }
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        var problem: LaminaError?
        let count = piece.withUnsafeMutableBytes { raw -> Int in
            do throws(LaminaError) {
                return try source.read(into: raw)
            } catch {
                problem = error
                return 0
            }
        }
        if let problem { throw problem }
        if count == 0 { atEnd = true }
        buffer.append(contentsOf: piece[..<count])
    }
}

/// Counts the bytes that pass.
private final class CountingSource: ByteSource {
    private let source: any ByteSource
    private(set) var count: Int64 = 0

    init(_ source: any ByteSource) { self.source = source }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int {
        let step = try source.read(into: buffer)
        count += Int64(step)
        return step
    }
}
