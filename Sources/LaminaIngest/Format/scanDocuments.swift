/// Finds where concatenated JSON documents end: the end of the last whole object or array, and how many documents there are at most
/// (numbers, words and texts are some as well). Bytes outside of any belong to the next.
func scanDocuments(_ bytes: UnsafeRawBufferPointer) -> (end: Int, count: Int) {
    var depth = 0
    var isInString = false
    var isInWord = false
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
            let wasInWord = isInWord
            isInWord = false
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: break
            case UInt8(ascii: "\""):
                isInString = true
                if depth == 0 { count += 1 }
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth <= 0 {
                    depth = 0
                    end = place + 1
                    count += 1
                }
            default:
                isInWord = true
                if depth == 0, !wasInWord { count += 1 }
            }
        }
        place += 1
    }
    return (end, count)
}
