import LaminaBase
import LaminaCompression
import Testing

/// Hands out a few bytes at a time, so that every decoder meets every boundary.
private final class TrickleSource: ByteSource {
    private let bytes: [UInt8]
    private let step: Int
    private var position = 0

    init(_ bytes: [UInt8], step: Int) {
        self.bytes = bytes
        self.step = step
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int {
        let count = min(step, buffer.count, bytes.count - position)
        for index in 0..<count { buffer[index] = bytes[position + index] }
        position += count
        return count
    }
}

struct Sample: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    var testDescription: String { name }

    static let all = [
        Sample(name: "a.gz", bytes: Samples.gz), Sample(name: "a.bz2", bytes: Samples.bz2),
        Sample(name: "a.xz", bytes: Samples.xz), Sample(name: "a.zip", bytes: Samples.zip),
        Sample(name: "a.sz", bytes: Samples.sz), Sample(name: "a.zst", bytes: Samples.zst),
    ]
}

@Suite struct StreamTests {
    @Test(arguments: Sample.all)
    func opens(sample: Sample) throws {
        for step in [1, 7, 100_000] {
            let source = try decompressing(TrickleSource(sample.bytes, step: step), name: sample.name)
            #expect(try source.readAll(limit: 1 << 20) == Samples.text)
        }
        let small = try decompressing(MemoryByteSource(sample.bytes), name: sample.name)
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 3)
        while true {
            let count = try piece.withUnsafeMutableBytes { try small.read(into: $0) }
            if count == 0 { break }
            bytes += piece[..<count]
        }
        #expect(bytes == Samples.text)
    }

    /// Every prefix is an error or gives a prefix of the text; it never gives anything else.
    @Test(arguments: Sample.all)
    func prefixesAreRefused(sample: Sample) {
        var whole = 0
        for count in 1..<sample.bytes.count {
            do throws(LaminaError) {
                let source = try decompressing(MemoryByteSource(Array(sample.bytes[..<count])), name: sample.name)
                let text = try source.readAll(limit: 1 << 20)
                #expect(Samples.text.starts(with: text))
                whole += 1
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
        // Only where one member, chunk or first entry ends can a prefix look whole.
        let closingBytes = sample.name == "a.zip" ? 400 : 14
        #expect(whole <= closingBytes)
    }

    /// A changed byte is an error, or, where the format does not protect it (a name, a time), gives a bounded text.
    @Test(arguments: Sample.all)
    func changedBytesAreBounded(sample: Sample) {
        var refused = 0
        for place in sample.bytes.indices {
            var bytes = sample.bytes
            bytes[place] ^= 0x55
            do {
                let source = try decompressing(MemoryByteSource(bytes), name: sample.name)
                let text = try source.readAll(limit: 1 << 20)
                #expect(text.count <= Samples.text.count)
            } catch {
                refused += 1
            }
        }
        #expect(refused > sample.bytes.count / 2)
    }

    @Test func plainNamesAndEmptyFiles() throws {
        let plain = try decompressing(MemoryByteSource(Samples.text), name: "rows.json")
        #expect(try plain.readAll(limit: 1 << 20) == Samples.text)
        for sample in Sample.all {
            let empty = try decompressing(MemoryByteSource([]), name: sample.name)
            #expect(try empty.readAll(limit: 10).isEmpty)
            let wrong = try decompressing(MemoryByteSource(Array("plain text, not compressed".utf8)), name: sample.name)
            #expect(throws: LaminaError.self) { try wrong.readAll(limit: 1 << 20) }
        }
    }

    @Test func storedEntryAfterAFolder() throws {
        let source = try decompressing(MemoryByteSource(Samples.storedZip), name: "x.zip")
        #expect(try source.readAll(limit: 1000) == Array(Samples.text[..<200]))
    }

    @Test func gzipIsIgnoredAfterItsEnd() throws {
        let source = try decompressing(MemoryByteSource(Samples.gz + [0, 0, 0]), name: "x.gz")
        #expect(try source.readAll(limit: 1 << 20) == Samples.text)
    }

    @Test func gzipBodies() throws {
        let body = try gzipCompress(Samples.text)
        #expect(body.count < Samples.text.count / 2)
        #expect(try gunzip(body, limit: Samples.text.count) == Samples.text)
        #expect(throws: LaminaError.self) { try gunzip(body, limit: Samples.text.count - 1) }
        let bomb = try gzipCompress([UInt8](repeating: 0, count: 8 << 20), level: 9)
        #expect(throws: LaminaError.self) { try gunzip(bomb, limit: 1 << 20) }
        let compressor = try GzipCompressor()
        var streamed: [UInt8] = []
        for start in stride(from: 0, to: Samples.text.count, by: 1000) {
            let piece = Array(Samples.text[start..<min(start + 1000, Samples.text.count)])
            let isLast = start + 1000 >= Samples.text.count
            let problem = piece.withUnsafeBytes { compressor.compress($0, finish: isLast, to: &streamed) }
            #expect(problem == nil)
        }
        #expect(try gunzip(streamed, limit: 1 << 20) == Samples.text)
    }

    @Test func castagnoliOfKnownTexts() {
        // RFC 3720, B.4
        #expect(Array("123456789".utf8).withUnsafeBytes { crc32c($0) } == 0xE306_9283)
        #expect([UInt8](repeating: 0, count: 32).withUnsafeBytes { crc32c($0) } == 0x8A91_36AA)
    }
}
