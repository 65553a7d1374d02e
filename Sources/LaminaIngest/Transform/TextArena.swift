/// Memory for texts made while a batch is prepared; nothing moves until the arena goes.
final class TextArena {
    private var blocks: [UnsafeMutableRawPointer] = []
    private var free: UnsafeMutableRawPointer?
    private var left = 0

    deinit { for block in blocks { block.deallocate() } }

    /// Room for `count` bytes.
    func reserve(_ count: Int) -> UnsafeMutableRawPointer {
        if count <= left, let place = free {
            free = place + count
            left -= count
            return place
        }
        let size = max(count, 1 << 16)
        let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        blocks.append(block)
        if size - count > left {
            free = block + count
            left = size - count
        }
        return block
    }

    func copy(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawPointer {
        let place = reserve(bytes.count)
        if let base = bytes.baseAddress { place.copyMemory(from: base, byteCount: bytes.count) }
        return UnsafeRawPointer(place)
    }

    func copy(_ text: String) -> UnsafeRawBufferPointer {
        var text = text
        return text.withUTF8 { bytes in
            UnsafeRawBufferPointer(start: copy(UnsafeRawBufferPointer(bytes)), count: bytes.count)
        }
    }
}

/// A text with its hash, ready for a dictionary; or null, or a list of texts.
struct TextRef: @unchecked Sendable {
    var pointer: UnsafeRawPointer?
    /// Bytes; `nullLength` for null, `listLength` for a list, whose number is `hash`.
    var length: Int32
    var hash: UInt32

    static let nullLength: Int32 = -1
    static let listLength: Int32 = -2
    static let null = TextRef(pointer: nil, length: nullLength, hash: 0)

    @inline(__always)
    init(pointer: UnsafeRawPointer?, length: Int32, hash: UInt32) {
        self.pointer = pointer
        self.length = length
        self.hash = hash
    }

    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer) {
        pointer = bytes.baseAddress
        length = Int32(truncatingIfNeeded: bytes.count)
        hash = hashBytes(bytes)
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: pointer, count: Int(max(length, 0))) }
    var isNull: Bool { length == Self.nullLength }
}

/// A fast hash of bytes: eight at a time, folded by wide multiplication.
@inline(__always)
func hashBytes(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    let state = hashWide(bytes)
    return UInt32(truncatingIfNeeded: state ^ (state &>> 32))
}

/// The same before it is folded.
@inline(__always)
func hashWide(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: bytes.count)
    var place = 0
    let count = bytes.count
    while count &- place >= 8 {
        state = mixBits(state ^ bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
        place &+= 8
    }
    if place < count {
        var rest: UInt64 = 0
        if count >= 8 {
            // Overlaps bytes already mixed, which does no harm.
            rest = bytes.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
        } else {
            var shift: UInt64 = 0
            while place < count {
                rest |= UInt64(bytes[place]) &<< shift
                shift &+= 8
                place &+= 1
            }
        }
        state = mixBits(state ^ rest)
    }
    return state
}

@inline(__always)
func mixBits(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return product.low ^ product.high
}
