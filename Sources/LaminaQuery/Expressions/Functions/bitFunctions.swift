import LaminaBase

/// Functions on the bits of longs; doubles are cut to longs first. Source: `Function.BitwiseAnd` and its neighbours.
let bitFunctions: [ExpressionFunction] = [
    bits("bitwiseand") { $0 & $1 },
    bits("bitwiseor") { $0 | $1 },
    bits("bitwisexor") { $0 ^ $1 },
    bits("bitwiseshiftleft") { $0 << ($1 & 63) },
    bits("bitwiseshiftright") { $0 >> ($1 & 63) },
    ExpressionFunction(
        "bitwisecomplement",
        1...1,
        type: always(.long),
        .strict { values throws(LaminaError) in
            try wholeNumber(values[0]).map { .long(~$0) } ?? .null
        }
    ),
    ExpressionFunction("bitwiseconvertdoubletolongbits", 1...1, type: always(.long), .strict(toBits)),
    ExpressionFunction(
        "bitwiseconvertlongbitstodouble",
        1...1,
        type: always(.double),
        .strict { values throws(LaminaError) in
            try wholeNumber(values[0]).map { .double(Double(bitPattern: UInt64(bitPattern: $0))) } ?? .null
        }
    ),
]

private func bits(_ name: String, _ body: @escaping @Sendable (Int64, Int64) -> Int64) -> ExpressionFunction {
    ExpressionFunction(
        name,
        2...2,
        type: always(.long),
        .strict { values in
            switch (values[0], values[1]) {
            case (.string, .string), (.null, _), (_, .null): return .null
            // A text or array that is no number counts as 0.
            default: return .long(body(values[0].asLong ?? 0, values[1].asLong ?? 0))
            }
        }
    )
}

/// A number as long; texts are none. A double beyond the longs is an error.
private func wholeNumber(_ value: Value) throws(LaminaError) -> Int64? {
    switch value {
    case .long(let number): return number
    case .double(let number):
        guard number >= -0x1p63, number <= 0x1p63 || number.isNaN else {
            throw .evaluation("Possible data truncation, param [\(javaText(number))] is out of LONG value range")
        }
        return saturatingLong(number)
    default: return nil
    }
}

private func toBits(_ values: [Value]) -> Value {
    switch values[0] {
    case .long(let number): .long(Int64(bitPattern: Double(number).bitPattern))
    case .double(let number): .long(Int64(bitPattern: number.isNaN ? 0x7FF8_0000_0000_0000 : number.bitPattern))
    default: .null
    }
}
