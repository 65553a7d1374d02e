import LaminaBase

/// A text that equals another when their bytes do, as in Java; Swift's own strings equal when they look the same.
struct ExactText: Hashable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: ExactText, right: ExactText) -> Bool { sameText(left.text, right.text) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

func sameText(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && left.utf8.elementsEqual(right.utf8)
}

/// Whether two values are the same to the bit, so that a function of one is that of the other.
func sameValue(_ left: Value, _ right: Value) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.long(let one), .long(let two)): one == two
    case (.double(let one), .double(let two)): one.bitPattern == two.bitPattern
    case (.float(let one), .float(let two)): one.bitPattern == two.bitPattern
    case (.string(let one), .string(let two)): sameText(one, two)
    case (.array(let one), .array(let two)):
        one.count == two.count && zip(one, two).allSatisfy { sameValue($0, $1) }
    default: false
    }
}
