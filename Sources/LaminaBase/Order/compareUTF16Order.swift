import Glibc

/// Compares two UTF-8 texts in the order of their UTF-16 code units, as Java's `String.compareTo` does: negative, zero or
/// positive. Segment dictionaries are sorted so. It differs from byte order only between astral characters, whose
/// surrogates come first, and U+E000 to U+FFFF.
package func compareUTF16Order(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Int {
    let common = min(left.count, right.count)
    guard common > 0, let leftBase = left.baseAddress, let rightBase = right.baseAddress else {
        return left.count - right.count
    }
    var place = 0
    while place &+ 8 <= common {
        let leftWord = UnsafeRawPointer(leftBase + place).loadUnaligned(as: UInt64.self)
        let rightWord = UnsafeRawPointer(rightBase + place).loadUnaligned(as: UInt64.self)
        if leftWord != rightWord {
            place &+= (UInt64(littleEndian: leftWord) ^ UInt64(littleEndian: rightWord)).trailingZeroBitCount / 8
            return orderOfBytes(leftBase[place], rightBase[place])
        }
        place &+= 8
    }
    while place < common {
        if leftBase[place] != rightBase[place] { return orderOfBytes(leftBase[place], rightBase[place]) }
        place &+= 1
    }
    return left.count - right.count
}

/// The order of two texts by the first byte in which they differ.
@inline(__always) private func orderOfBytes(_ left: UInt8, _ right: UInt8) -> Int {
    let leftAstral = left >= 0xF0
    let rightAstral = right >= 0xF0
    if leftAstral != rightAstral {
        if leftAstral, right >= 0xEE { return -1 }
        if rightAstral, left >= 0xEE { return 1 }
    }
    return left < right ? -1 : 1
}

/// `compareUTF16Order` of Swift strings.
package func javaCompare(_ left: String, _ right: String) -> Int {
    var leftCopy = left
    var rightCopy = right
    return leftCopy.withUTF8 { leftBytes in rightCopy.withUTF8 { compareUTF16Order(leftBytes, $0) } }
}
