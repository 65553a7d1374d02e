/// Lays compact JSON out as Jackson's default pretty printer does (`?pretty`): objects over lines, arrays along one. Works on pieces.
package struct PrettyPrinter: Sendable {
    private var inString = false
    private var escaped = false
    /// An opened container whose first entry has not come.
    private var opened: UInt8?
    /// Which containers are open: true for an object.
    private var objects: [Bool] = []

    package init() {}

    package mutating func indented(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes { take(byte, &text) }
        return text
    }

    private mutating func take(_ byte: UInt8, _ text: inout [UInt8]) {
        if inString {
            text.append(byte)
            if escaped {
                escaped = false
            } else if byte == UInt8(ascii: "\\") {
                escaped = true
            } else if byte == UInt8(ascii: "\"") {
                inString = false
            }
            return
        }
        let closes = byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
        if opened != nil {
            opened = nil
            if closes {
                objects.removeLast()
                text += [UInt8(ascii: " "), byte]
                return
            }
            startEntry(&text)
        }
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            text.append(byte)
            opened = byte
            objects.append(byte == UInt8(ascii: "{"))
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            if objects.removeLast() { newLine(&text) } else { text.append(UInt8(ascii: " ")) }
            text.append(byte)
        case UInt8(ascii: ","):
            text.append(byte)
            startEntry(&text)
        case UInt8(ascii: ":"): text += [UInt8(ascii: " "), byte, UInt8(ascii: " ")]
        default:
            text.append(byte)
            inString = byte == UInt8(ascii: "\"")
        }
    }

    private func startEntry(_ text: inout [UInt8]) {
        if objects.last == true { newLine(&text) } else { text.append(UInt8(ascii: " ")) }
    }

    private func newLine(_ text: inout [UInt8]) {
        text.append(UInt8(ascii: "\n"))
        for _ in 0..<objects.count(where: { $0 }) * 2 { text.append(UInt8(ascii: " ")) }
    }
}
