import LaminaBase
import LaminaCompression
import Testing

private func open(_ codec: BlockCodec, _ block: [UInt8], room: Int) throws(LaminaError) -> [UInt8] {
    var target = [UInt8](repeating: 0xEE, count: room)
    let result: Result<Int, LaminaError> = block.withUnsafeBytes { source in
        target.withUnsafeMutableBytes { target in
            do throws(LaminaError) {
                return .success(try codec.decompress(source, into: target))
            } catch {
                return .failure(error)
            }
        }
    }
    return Array(target[..<(try result.get())])
}

private let blocks: [[UInt8]] = {
    var random = SystemRandomNumberGenerator()
    return [
        [], [7], Array(Samples.text), [UInt8](repeating: 3, count: 65536),
        (0..<65536).map { UInt8(truncatingIfNeeded: $0 / 8) },
        (0..<5000).map { _ in UInt8.random(in: 0...255, using: &random) },
    ]
}()

@Suite struct BlockCodecTests {
    @Test(arguments: BlockCodec.allCases)
    func roundTrips(codec: BlockCodec) throws {
        for block in blocks {
            for effort in [BlockCodec.Effort.fast, .high] {
                let packed = block.withUnsafeBytes { codec.compress($0, effort: effort) }
                #expect(try open(codec, packed, room: 65536) == block)
                #expect(try open(codec, packed, room: block.count) == block)
                if block.count > 1 {
                    #expect(throws: LaminaError.self) { try open(codec, packed, room: block.count - 1) }
                }
            }
        }
        #expect(BlockCodec(name: codec.name.uppercased()) == codec)
    }

    @Test func compressesWhatRepeats() {
        for codec in [BlockCodec.lz4, .zstd, .lzf] {
            let packed = Samples.text.withUnsafeBytes { codec.compress($0) }
            #expect(packed.count < Samples.text.count * 3 / 4)
        }
        #expect([].withUnsafeBytes { BlockCodec.lz4.compress($0) } == [0])
    }

    /// Written out by hand from the format: a raw chunk, then a literal `abc` and an overlapping match of six bytes.
    @Test func opensForeignLZF() throws {
        let block: [UInt8] = [
            0x5A, 0x56, 0, 0, 2, 0x68, 0x69, 0x5A, 0x56, 1, 0, 6, 0, 9, 2, 0x61, 0x62, 0x63, 4 << 5, 2,
        ]
        #expect(try open(.lzf, block, room: 100) == Array("hiabcabcabc".utf8))
    }

    @Test(arguments: [BlockCodec.lz4, .zstd, .lzf])
    func damagedBlocksAreBounded(codec: BlockCodec) {
        let block = Array(Samples.text[..<2000])
        let packed = block.withUnsafeBytes { codec.compress($0) }
        for count in 0..<packed.count {
            let cut = try? open(codec, Array(packed[..<count]), room: 2000)
            #expect(cut != block)
        }
        for place in packed.indices {
            for value in [0, 0xFF, packed[place] ^ 1] as [UInt8] where value != packed[place] {
                var changed = packed
                changed[place] = value
                if let opened = try? open(codec, changed, room: 2000) { #expect(opened.count <= 2000) }
            }
        }
    }
}
