import CPCRE2
package import LaminaBase
import Synchronization

/// A compiled regular expression with Java's syntax and meaning as near as PCRE2 comes (`java.util.regex.Pattern`).
///
/// Matching works on UTF-8 bytes; bytes that are no UTF-8 never match. Safe to use from many threads.
package final class Regex: @unchecked Sendable, Hashable {
    package let pattern: String
    package let groupCount: Int
    // Immutable after compilation; the compiled code may be used by several threads at once.
    private let code: OpaquePointer
    private let context: OpaquePointer
    /// Match blocks not in use, so that a match allocates nothing.
    private let idle = Mutex<[MatchBlock]>([])

    private struct MatchBlock: @unchecked Sendable {
        let data: OpaquePointer
    }

    /// Bounds on backtracking, so that no pattern holds a query for more than a moment on one value.
    private static let matchLimit: UInt32 = 10_000_000
    private static let depthLimit: UInt32 = 20_000

    /// Compiles a pattern written for Java. Throws `invalidInput` naming the position of a mistake.
    package init(_ pattern: String) throws(LaminaError) {
        self.pattern = pattern
        let translated = Array(translateJavaPattern(pattern).utf8)
        var code: Int32 = 0
        var offset = 0
        let compileContext = pcre2_compile_context_create_8(nil)
        defer { pcre2_compile_context_free_8(compileContext) }
        pcre2_set_newline_8(compileContext, UInt32(PCRE2_NEWLINE_ANY))
        pcre2_set_parens_nest_limit_8(compileContext, 200)
        let options = UInt32(PCRE2_UTF) | UInt32(PCRE2_MATCH_INVALID_UTF)
        let compiled = translated.withUnsafeBufferPointer {
            pcre2_compile_8($0.baseAddress, $0.count, options, &code, &offset, compileContext)
        }
        guard let compiled, let matchContext = pcre2_match_context_create_8(nil) else {
            var text = [UInt8](repeating: 0, count: 256)
            let length = pcre2_get_error_message_8(code, &text, text.count)
            let reason = length > 0 ? String(decoding: text.prefix(Int(length)), as: UTF8.self) : "error \(code)"
            throw .invalidInput(
                "Regular expression '\(pattern)' is malformed at byte \(offset): \(reason)",
                context: ["pattern": pattern, "byte": "\(offset)"]
            )
        }
        // Without JIT (no executable memory) matching is slower, not different.
        _ = pcre2_jit_compile_8(compiled, UInt32(PCRE2_JIT_COMPLETE))
        pcre2_set_match_limit_8(matchContext, Self.matchLimit)
        pcre2_set_depth_limit_8(matchContext, Self.depthLimit)
        var groups: UInt32 = 0
        pcre2_pattern_info_8(compiled, UInt32(PCRE2_INFO_CAPTURECOUNT), &groups)
        groupCount = Int(groups)
        self.code = compiled
        self.context = matchContext
    }

    deinit {
        idle.withLock { blocks in
            for block in blocks { pcre2_match_data_free_8(block.data) }
            blocks = []
        }
        pcre2_match_context_free_8(context)
        pcre2_code_free_8(code)
    }

    package static func == (left: Regex, right: Regex) -> Bool { left.pattern == right.pattern }
    package func hash(into hasher: inout Hasher) { hasher.combine(pattern) }

    private func withMatch<Result>(
        _ bytes: UnsafeBufferPointer<UInt8>,
        from start: Int,
        options: UInt32,
        _ body: (UnsafeBufferPointer<Int>?) -> Result
    ) -> Result {
        let block = idle.withLock { $0.popLast() }
        guard let data = block?.data ?? pcre2_match_data_create_from_pattern_8(code, nil) else { return body(nil) }
        defer { idle.withLock { $0.append(MatchBlock(data: data)) } }
        var empty: UInt8 = 0
        let count = withUnsafePointer(to: &empty) { spare in
            pcre2_match_8(code, bytes.baseAddress ?? spare, bytes.count, start, options, data, context)
        }
        guard count > 0, let vector = pcre2_get_ovector_pointer_8(data) else { return body(nil) }
        return body(UnsafeBufferPointer(start: vector, count: 2 * (groupCount + 1)))
    }

    /// Whether the pattern occurs anywhere (`Matcher.find`). A match that exceeds the limits counts as none.
    package func isFound(in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        withMatch(bytes, from: 0, options: 0) { $0 != nil }
    }

    package func isFound(in text: String) -> Bool {
        withUTF8(of: text) { isFound(in: $0) }
    }

    /// Whether the pattern matches the text from end to end (`Matcher.matches`).
    package func matchesWhole(_ text: String) -> Bool {
        withUTF8(of: text) { bytes in
            withMatch(bytes, from: 0, options: UInt32(PCRE2_ANCHORED) | UInt32(PCRE2_ENDANCHORED)) { $0 != nil }
        }
    }

    /// The groups of a match from end to end of the bytes (`Matcher.matches`), group 0 first; nil is a group that took
    /// no part.
    package func wholeMatch(in bytes: UnsafeBufferPointer<UInt8>) -> [Range<Int>?]? {
        withMatch(bytes, from: 0, options: UInt32(PCRE2_ANCHORED) | UInt32(PCRE2_ENDANCHORED)) { vector in
            guard let vector else { return nil }
            return (0...groupCount).map { group in
                let low = vector[2 * group]
                let high = vector[2 * group + 1]
                return low < 0 || high < low || high > bytes.count ? nil : low..<high
            }
        }
    }

    /// The groups of the first match from byte `start` on; group 0 is the whole match, nil a group that took no part.
    func firstMatch(in bytes: UnsafeBufferPointer<UInt8>, from start: Int = 0) -> [Range<Int>?]? {
        withMatch(bytes, from: start, options: 0) { vector in
            guard let vector else { return nil }
            return (0...groupCount).map { group in
                let low = vector[2 * group]
                let high = vector[2 * group + 1]
                // PCRE2_UNSET is the largest size, seen as -1; \K can put the end before the start.
                return low < 0 || high < low || high > bytes.count ? nil : low..<high
            }
        }
    }

    /// A group of the first match; outer nil: no match, inner nil: the group took no part.
    package func firstMatch(in text: String, group: Int) -> String?? {
        withUTF8(of: text) { bytes in
            guard let groups = firstMatch(in: bytes), group >= 0, group < groups.count else { return .none }
            return .some(groups[group].map { String(decoding: bytes[$0], as: UTF8.self) })
        }
    }

    /// Every match replaced (`Matcher.replaceAll`): `$1`, `${name}` and `\x` in `replacement` as in Java.
    package func replacingAll(in text: String, with replacement: RegexReplacement) -> String {
        withUTF8(of: text) { bytes in
            var result: [UInt8] = []
            var copied = 0
            var start = 0
            while start <= bytes.count, let groups = firstMatch(in: bytes, from: start), let whole = groups[0] {
                guard whole.lowerBound >= copied else { break }
                result.append(contentsOf: bytes[copied..<whole.lowerBound])
                replacement.append(to: &result, groups: groups, text: bytes)
                copied = whole.upperBound
                start = whole.upperBound
                if whole.isEmpty {
                    // Step over one whole character, so that an empty match is not found again.
                    start += 1
                    while start < bytes.count, bytes[start] & 0xC0 == 0x80 { start += 1 }
                }
            }
            if copied < bytes.count { result.append(contentsOf: bytes[copied...]) }
            return String(decoding: result, as: UTF8.self)
        }
    }

    /// The parts of the text between matches, trailing empty ones kept (`Pattern.split(text, -1)`).
    package func split(_ text: String) -> [String] {
        withUTF8(of: text) { bytes in
            var parts: [String] = []
            var copied = 0
            var start = 0
            while start <= bytes.count, let groups = firstMatch(in: bytes, from: start), let whole = groups[0] {
                if whole.isEmpty {
                    if whole.lowerBound >= bytes.count { break }
                    if whole.lowerBound > copied {
                        parts.append(String(decoding: bytes[copied..<whole.lowerBound], as: UTF8.self))
                        copied = whole.lowerBound
                    }
                    start = whole.upperBound + 1
                    while start < bytes.count, bytes[start] & 0xC0 == 0x80 { start += 1 }
                } else {
                    guard whole.lowerBound >= copied else { break }
                    parts.append(String(decoding: bytes[copied..<whole.lowerBound], as: UTF8.self))
                    copied = whole.upperBound
                    start = copied
                }
            }
            parts.append(String(decoding: bytes[copied...], as: UTF8.self))
            return parts
        }
    }

    /// The number of a named group; nil when there is none.
    func group(named name: String) -> Int? {
        let number = Array(name.utf8 + [0]).withUnsafeBufferPointer {
            pcre2_substring_number_from_name_8(code, $0.baseAddress)
        }
        return number > 0 ? Int(number) : nil
    }
}

/// Calls `body` with the UTF-8 bytes of a string.
func withUTF8<Result>(of text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    var text = text
    return text.withUTF8(body)
}
