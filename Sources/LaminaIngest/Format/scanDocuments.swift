/// Finds where concatenated JSON documents end: the end of the last whole object or array, and how many there are. Bytes outside
/// of any belong to the next.
func scanDocuments(_ bytes: UnsafeRawBufferPointer) -> (end: Int, count: Int) {
    var depth = 0
    var isInString = false
    var end = 0
    var count = 0
    var place = 0
    while place < bytes.count {
        let byte = bytes[place]
        if isInString {
            if byte == UInt8(ascii: "\\") {
                place += 1
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
        } else {
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth <= 0 {
                    depth = 0
                    end = place + 1
                    count += 1
                }
            default: break
            }
        }
        place += 1
    }
    return (end, count)
}
