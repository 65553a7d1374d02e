import LaminaBase

/// LZF in ning's chunk framing: `ZV`, kind (0 raw, 1 compressed), length, [length when open], data; lengths are 16 bits big-endian.
///
/// Source: `CompressionStrategy.LZF` of Druid (ning-compress).
enum LZF {
    private static let chunkMax = 65535

    static func decompress(
        _ bytes: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer
    ) throws(LaminaError) -> Int {
        var place = 0
        var made = 0
        func u16(_ place: Int) -> Int { Int(bytes[place]) << 8 | Int(bytes[place + 1]) }
        while place < bytes.count {
            guard bytes.count - place >= 5, bytes[place] == UInt8(ascii: "Z"), bytes[place + 1] == UInt8(ascii: "V")
            else {
                throw .corrupt("an lzf block without its header", at: "its byte \(place)")
            }
            let kind = bytes[place + 2]
            let size = u16(place + 3)
            var data = place + 5
            var open = size
            if kind == 1 {
                guard bytes.count - place >= 7 else {
                    throw .corrupt("an lzf block that ends early", at: "its byte \(place)")
                }
                open = u16(place + 5)
                data = place + 7
            } else if kind != 0 {
                throw .corrupt("an lzf chunk of kind \(kind)", at: "its byte \(place + 2)")
            }
            guard bytes.count - data >= size, target.count - made >= open else {
                throw .corrupt("an lzf chunk that does not fit", at: "its byte \(place)")
            }
            let chunk = UnsafeRawBufferPointer(rebasing: bytes[data..<data + size])
            let room = UnsafeMutableRawBufferPointer(rebasing: target[made..<made + open])
            if kind == 0 {
                room.copyMemory(from: chunk)
            } else if !inflate(chunk, into: room) {
                throw .corrupt("an lzf chunk that does not decode", at: "its byte \(data)")
            }
            made += open
            place = data + size
        }
        return made
    }

    /// One compressed chunk, which must fill `target` exactly.
    private static func inflate(_ chunk: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Bool {
        var place = 0
        var made = 0
        while place < chunk.count {
            let control = Int(chunk[place])
            place += 1
            if control < 32 {
                let count = control + 1
                guard chunk.count - place >= count, target.count - made >= count else { return false }
                for index in 0..<count { target[made + index] = chunk[place + index] }
                place += count
                made += count
                continue
            }
            var count = control >> 5
            if count == 7 {
                guard place < chunk.count else { return false }
                count += Int(chunk[place])
                place += 1
            }
            guard place < chunk.count else { return false }
            let distance = (control & 31) << 8 | Int(chunk[place])
            place += 1
            count += 2
            let from = made - distance - 1
            guard from >= 0, target.count - made >= count else { return false }
            // Byte by byte: a match may overlap what it makes.
            for index in 0..<count { target[made + index] = target[from + index] }
            made += count
        }
        return made == target.count
    }

    static func compress(_ bytes: UnsafeRawBufferPointer, appendingTo target: inout [UInt8]) {
        var start = 0
        while start < bytes.count {
            let end = min(start + chunkMax, bytes.count)
            let chunk = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            let packed = deflate(chunk)
            let isSmaller = packed.count + 2 < chunk.count
            target += [UInt8(ascii: "Z"), UInt8(ascii: "V"), isSmaller ? 1 : 0]
            let size = isSmaller ? packed.count : chunk.count
            target += [UInt8(size >> 8), UInt8(size & 0xFF)]
            if isSmaller {
                target += [UInt8(chunk.count >> 8), UInt8(chunk.count & 0xFF)]
                target += packed
            } else {
                target.append(contentsOf: chunk)
            }
            start = end
        }
    }

    private static func deflate(_ chunk: UnsafeRawBufferPointer) -> [UInt8] {
        var packed: [UInt8] = []
        packed.reserveCapacity(chunk.count)
        var places = [Int32](repeating: -1, count: 1 << 13)
        var literalStart = 0
        func flush(until end: Int) {
            while literalStart < end {
                let count = min(32, end - literalStart)
                packed.append(UInt8(count - 1))
                packed.append(contentsOf: chunk[literalStart..<literalStart + count])
                literalStart += count
            }
        }
        var place = 0
        while place + 2 < chunk.count {
            let three = UInt32(chunk[place]) << 16 | UInt32(chunk[place + 1]) << 8 | UInt32(chunk[place + 2])
            let slot = Int((three &* 2_654_435_761) >> 19)
            let candidate = Int(places[slot])
            places[slot] = Int32(place)
            let distance = place - candidate - 1
            guard candidate >= 0, distance < 1 << 13, chunk[candidate] == chunk[place],
                chunk[candidate + 1] == chunk[place + 1],
                chunk[candidate + 2] == chunk[place + 2]
            else {
                place += 1
                continue
            }
            var count = 3
            while count < 264, place + count < chunk.count, chunk[candidate + count] == chunk[place + count] {
                count += 1
            }
            flush(until: place)
            let stored = count - 2
            if stored < 7 {
                packed.append(UInt8(stored << 5 | distance >> 8))
            } else {
                packed.append(UInt8(7 << 5 | distance >> 8))
                packed.append(UInt8(stored - 7))
            }
            packed.append(UInt8(distance & 0xFF))
            place += count
            literalStart = place
        }
        flush(until: chunk.count)
        return packed
    }
}
