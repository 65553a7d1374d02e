import CSimdJSON
import LaminaBase
import Synchronization

/// Parsers with their buffers, handed from one parsing thread to the next.
final class ParserPool: Sendable {
    /// Used by one thread at a time.
    private struct Handle: @unchecked Sendable { var pointer: OpaquePointer }

    private let idle = Mutex<[Handle]>([])

    deinit {
        for handle in idle.withLock({ $0 }) { lamina_json_parser_free(handle.pointer) }
    }

    /// A parser for as long as `body` runs; nil when there is no memory for one.
    func withParser<Result>(_ body: (OpaquePointer?) -> Result) -> Result {
        let known = idle.withLock { $0.popLast() }?.pointer
        guard let parser = known ?? lamina_json_parser_new() else { return body(nil) }
        defer {
            let handle = Handle(pointer: parser)
            idle.withLock { $0.append(handle) }
        }
        return body(parser)
    }

    /// Plain JSON lines; lines the fast parser does not take get a second, lenient look.
    func parseLines(_ builder: BatchBuilder, _ format: JSONFormat) {
        withParser { parser in
            if let parser { parseLines(parser, builder, format) } else { parseTrees(builder, format) }
        }
    }

    private func parseLines(_ parser: OpaquePointer, _ builder: BatchBuilder, _ format: JSONFormat) {
        let context = LineContext(builder, format)
        let chunk = builder.chunk
        withExtendedLifetime(context) {
            let rows = lamina_json_parse_lines(
                parser,
                chunk.base + chunk.start,
                chunk.length - chunk.start,
                UInt32(chunk.start),
                Unmanaged.passUnretained(context).toOpaque(),
                fieldColumn,
                oddLine
            )
            builder.rowCount = Int(rows)
        }
    }
}

/// What the callbacks of the fast parser work on.
class LineContext {
    let builder: BatchBuilder
    let format: JSONFormat

    init(_ builder: BatchBuilder, _ format: JSONFormat) {
        self.builder = builder
        self.format = format
    }
}

func fieldColumn(
    _ context: UnsafeMutableRawPointer?,
    _ name: UnsafePointer<CChar>?,
    _ length: Int
) -> lamina_json_column {
    guard let context, let name else { return lamina_json_column(kinds: nil, payloads: nil) }
    let lines = Unmanaged<LineContext>.fromOpaque(context).takeUnretainedValue()
    let text = String(decoding: UnsafeRawBufferPointer(start: name, count: length), as: UTF8.self)
    let column = lines.builder.column(text)
    return lamina_json_column(kinds: column?.kinds, payloads: column?.payloads)
}

private func oddLine(
    _ context: UnsafeMutableRawPointer?,
    _ row: UInt32,
    _ line: UInt32,
    _ start: Int,
    _ length: Int
) -> UInt32 {
    guard let context else { return 0 }
    let lines = Unmanaged<LineContext>.fromOpaque(context).takeUnretainedValue()
    let place = lines.builder.chunk.start + start
    let text = UnsafeRawBufferPointer(rebasing: lines.builder.chunk.bytes[place..<place + length])
    var reader = LenientJSON(text, features: lines.format.features)
    let parsed = try? reader.next()
    guard let document = parsed ?? nil else {
        lines.builder.addBad(beforeRow: Int(row), line: Int(line), start: place, length: length)
        return 0
    }
    // A document that is no object is a row without fields.
    for (key, value) in document.objectValue?.entries ?? [] {
        if let column = lines.builder.column(key) { lines.builder.set(column, row: Int(row), value) }
    }
    return 1
}

/// Lines or concatenated documents by way of whole JSON values: for `flattenSpec` and relaxed features.
func parseTrees(_ builder: BatchBuilder, _ format: JSONFormat) {
    let chunk = builder.chunk
    let flattener = Flattener(format)
    let text = UnsafeRawBufferPointer(rebasing: chunk.bytes[..<chunk.length])
    if format.isConcatenated {
        parseDocuments(text, builder, format, flattener)
        return
    }
    var start = chunk.start
    var line = 0
    while start < chunk.length {
        var end = start
        while end < chunk.length, text[end] != 0x0A { end += 1 }
        let next = min(end + 1, chunk.length)
        if end < chunk.length, end > start, text[end - 1] == 0x0D { end -= 1 }
        var reader = LenientJSON(UnsafeRawBufferPointer(rebasing: text[start..<end]), features: format.features)
        let parsed = try? reader.next()
        if let document = parsed ?? nil, flattener.add(document, to: builder) {
            builder.rowCount += 1
        } else {
            builder.addBad(beforeRow: builder.rowCount, line: line, start: start, length: end - start)
        }
        line += 1
        start = next
    }
}

/// One document after another; a malformed one ends the chunk, for nobody knows where the next begins.
private func parseDocuments(
    _ text: UnsafeRawBufferPointer,
    _ builder: BatchBuilder,
    _ format: JSONFormat,
    _ flattener: Flattener
) {
    let chunk = builder.chunk
    var reader = LenientJSON(text, features: format.features, from: chunk.start)
    var line = 0
    var counted = chunk.start
    while builder.rowCount < chunk.rowsMax {
        let start = reader.position
        for place in counted..<start where text[place] == 0x0A { line += 1 }
        counted = start
        do throws(LenientJSON.Malformed) {
            guard let document = try reader.next() else { return }
            if flattener.add(document, to: builder) {
                builder.rowCount += 1
                continue
            }
            builder.addBad(beforeRow: builder.rowCount, line: line, start: start, length: reader.position - start)
        } catch {
            builder.addBad(beforeRow: builder.rowCount, line: line, start: start, length: chunk.length - start)
            return
        }
    }
}
