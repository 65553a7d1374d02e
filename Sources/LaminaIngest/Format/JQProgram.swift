import CJQ
import LaminaBase

/// A jq program of a `flattenSpec`, known to compile.
struct JQProgram: Sendable {
    let text: String

    /// Compiles the program; `place` names it in the error.
    init(_ text: String, place: String) throws(LaminaError) {
        self.text = text
        guard JQRunner.compile(text) != nil else {
            throw .invalidInput("\(place) is no jq program: \(text)", context: ["path": place])
        }
    }
}

/// A compiled jq program. libjq's state belongs to one thread at a time.
final class JQRunner {
    /// Frees the state with the last reference.
    final class State {
        let pointer: OpaquePointer
        init(_ pointer: OpaquePointer) { self.pointer = pointer }

        deinit {
            var state: OpaquePointer? = pointer
            jq_teardown(&state)
        }
    }

    private let state: State?

    init(_ program: JQProgram) {
        state = Self.compile(program.text)
    }

    static func compile(_ text: String) -> State? {
        guard let pointer = jq_init() else { return nil }
        let state = State(pointer)
        // Without this libjq writes its messages to the error output.
        jq_set_error_cb(pointer, { _, message in jv_free(message) }, nil)
        return jq_compile(pointer, text) != 0 ? state : nil
    }

    /// The program's first output for a document; nil when it fails or has none.
    func first(of document: JSON) -> JSON? {
        guard let state else { return nil }
        var writer = JSONWriter()
        writer.value(document)
        let text = writer.bytes
        let input = text.withUnsafeBytes { raw in
            jv_parse_sized(raw.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(clamping: raw.count))
        }
        guard jv_get_kind(input) != JV_KIND_INVALID else {
            jv_free(input)
            return nil
        }
        jq_start(state.pointer, input, 0)
        let output = jq_next(state.pointer)
        guard jv_get_kind(output) != JV_KIND_INVALID else {
            jv_free(output)
            return nil
        }
        let dumped = jv_dump_string(output, 0)
        defer { jv_free(dumped) }
        guard let characters = jv_string_value(dumped) else { return nil }
        let bytes = Array(
            UnsafeRawBufferPointer(start: characters, count: Int(jv_string_length_bytes(jv_copy(dumped))))
        )
        return try? JSONParser.parse(bytes)
    }
}
