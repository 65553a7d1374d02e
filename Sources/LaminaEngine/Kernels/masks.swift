/// Sets the first `bits` bits of a mask and clears the rest of its last word.
func maskFill(_ mask: UnsafeMutablePointer<UInt64>, bits: Int) {
    let whole = bits >> 6
    for word in 0..<whole { mask[word] = ~0 }
    if bits & 63 != 0 { mask[whole] = (1 << UInt64(bits & 63)) &- 1 }
}

func maskClear(_ mask: UnsafeMutablePointer<UInt64>, words: Int) {
    for word in 0..<words { mask[word] = 0 }
}

func maskCopy(_ source: UnsafePointer<UInt64>, to mask: UnsafeMutablePointer<UInt64>, words: Int) {
    for word in 0..<words { mask[word] = source[word] }
}

/// mask &= other
func maskAnd(_ mask: UnsafeMutablePointer<UInt64>, _ other: UnsafePointer<UInt64>, words: Int) {
    for word in 0..<words { mask[word] &= other[word] }
}

/// mask &= ~other
func maskAndNot(_ mask: UnsafeMutablePointer<UInt64>, _ other: UnsafePointer<UInt64>, words: Int) {
    for word in 0..<words { mask[word] &= ~other[word] }
}

/// mask |= other
func maskOr(_ mask: UnsafeMutablePointer<UInt64>, _ other: UnsafePointer<UInt64>, words: Int) {
    for word in 0..<words { mask[word] |= other[word] }
}

func maskCount(_ mask: UnsafePointer<UInt64>, words: Int) -> Int {
    var count = 0
    for word in 0..<words { count &+= mask[word].nonzeroBitCount }
    return count
}

func maskIsEmpty(_ mask: UnsafePointer<UInt64>, words: Int) -> Bool {
    for word in 0..<words where mask[word] != 0 { return false }
    return true
}

@inline(__always)
func maskTest(_ mask: UnsafePointer<UInt64>, _ bit: Int) -> Bool {
    mask[bit >> 6] >> UInt64(bit & 63) & 1 != 0
}

@inline(__always)
func maskSet(_ mask: UnsafeMutablePointer<UInt64>, _ bit: Int) {
    mask[bit >> 6] |= 1 << UInt64(bit & 63)
}

/// The set bits' numbers, each plus `base`, in ascending order; returns how many.
///
/// - Shape: `list` has room for every set bit.
func maskList(
    _ mask: UnsafePointer<UInt64>,
    words: Int,
    base: UInt32,
    into list: UnsafeMutablePointer<UInt32>
) -> Int {
    var count = 0
    for word in 0..<words {
        var bits = mask[word]
        let start = base &+ UInt32(truncatingIfNeeded: word &<< 6)
        if bits == ~0 {
            for offset in 0..<64 { list[count &+ offset] = start &+ UInt32(truncatingIfNeeded: offset) }
            count &+= 64
            continue
        }
        while bits != 0 {
            list[count] = start &+ UInt32(truncatingIfNeeded: bits.trailingZeroBitCount)
            count &+= 1
            bits &= bits &- 1
        }
    }
    return count
}
