import LaminaBase

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
