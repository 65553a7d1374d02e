/// A pattern of SQL's LIKE: `%` any run of characters, `_` one character, `escape` takes the next one literally.
///
/// Source: `LikeDimFilter.LikeMatcher`; no escape character by default, the whole value must match, null never does.
package struct LikePattern: Sendable, Hashable {
    private enum Step: Sendable, Hashable {
        case text([UInt8])
        case one
        case any
    }

    package let pattern: String
    package let escape: Character?
    private let steps: [Step]

    package init(_ pattern: String, escape: Character? = nil) {
        self.pattern = pattern
        self.escape = escape
        var steps: [Step] = []
        var literal: [UInt8] = []
        func flush() {
            if !literal.isEmpty { steps.append(.text(literal)) }
            literal = []
        }
        var escaped = false
        for scalar in pattern.unicodeScalars {
            if escaped {
                literal.append(contentsOf: String(scalar).utf8)
                escaped = false
            } else if let escape, escape.unicodeScalars.first == scalar {
                escaped = true
            } else if scalar == "%" {
                flush()
                if steps.last != .any { steps.append(.any) }
            } else if scalar == "_" {
                flush()
                steps.append(.one)
            } else {
                literal.append(contentsOf: String(scalar).utf8)
            }
        }
        flush()
        self.steps = steps
    }

    /// The text every match begins with; may be empty.
    package var prefix: String {
        if case .text(let bytes)? = steps.first { String(decoding: bytes, as: UTF8.self) } else { "" }
    }

    /// The one value that matches, when there are no wildcards.
    package var exactValue: String? {
        steps.isEmpty ? "" : steps.count == 1 && steps[0] != .any && steps[0] != .one ? prefix : nil
    }

    /// Whether the whole value matches.
    package func matches(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        var step = 0
        var position = 0
        // Where to resume after the last `%`, and how much of the value it has taken so far.
        var retryStep = -1
        var retryPosition = 0
        while true {
            if step < steps.count {
                switch steps[step] {
                case .any:
                    step += 1
                    retryStep = step
                    retryPosition = position
                    continue
                case .one:
                    if position < value.count {
                        position = next(value, position)
                        step += 1
                        continue
                    }
                case .text(let bytes):
                    if starts(value, position, bytes) {
                        position += bytes.count
                        step += 1
                        continue
                    }
                }
            } else if position == value.count {
                return true
            }
            guard retryStep >= 0, retryPosition < value.count else { return false }
            if retryStep == steps.count { return true }
            retryPosition = next(value, retryPosition)
            position = retryPosition
            step = retryStep
        }
    }

    package func matches(_ value: String) -> Bool { withUTF8(of: value) { matches($0) } }

    /// The byte after the character at `position`.
    private func next(_ value: UnsafeBufferPointer<UInt8>, _ position: Int) -> Int {
        var after = position + 1
        while after < value.count, value[after] & 0xC0 == 0x80 { after += 1 }
        return after
    }

    private func starts(_ value: UnsafeBufferPointer<UInt8>, _ position: Int, _ bytes: [UInt8]) -> Bool {
        guard value.count - position >= bytes.count else { return false }
        for offset in 0..<bytes.count where value[position + offset] != bytes[offset] { return false }
        return true
    }
}
