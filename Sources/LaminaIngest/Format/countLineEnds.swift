/// How many line feeds are among the first `end` bytes.
func countLineEnds(_ bytes: UnsafeRawBufferPointer, until end: Int) -> Int {
    guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), end <= bytes.count else { return 0 }
    var count = 0
    var place = 0
    // Plain enough for the compiler to take many bytes at once.
    while place < end {
        count &+= base[place] == 0x0A ? 1 : 0
        place &+= 1
    }
    return count
}
