// simdjson wants carry-less multiplication beside AVX2, which x86-64-v3 does not name though every such CPU has it.
#if defined(__AVX2__) && !defined(__PCLMUL__)
#define __PCLMUL__ 1
#pragma clang attribute push(__attribute__((target("pclmul"))), apply_to = function)
#define LAMINA_POP_TARGET 1
#endif

// simdjson's checks of how it is called (not of its input) take half of the time.
#ifndef NDEBUG
#define NDEBUG 1
#endif

#include <cstring>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "CSimdJSON.h"

using namespace simdjson;

namespace {

// As `FieldKind` of LaminaIngest has them.
enum Kind : uint8_t { kind_null = 1, kind_string = 2, kind_long = 3, kind_double = 4, kind_bool = 5, kind_json = 6 };

struct Field {
    std::string name;
    lamina_json_column column;
};

// A string with escapes, opened once its whole line is known to be good, so that the text of bad lines stays as it was.
struct Escaped {
    uint32_t field;
    uint32_t start;
    uint32_t length;
};

inline uint64_t text_payload(size_t start, size_t length) { return uint64_t(uint32_t(start)) | uint64_t(length) << 32; }

int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The code unit of "\uXXXX" at p (which points behind the u), or -1.
int code_unit(const uint8_t *p, const uint8_t *end) {
    if (end - p < 4) return -1;
    int unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0) return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

uint8_t *put_utf8(uint8_t *out, uint32_t code) {
    if (code < 0x80) {
        *out++ = uint8_t(code);
    } else if (code < 0x800) {
        *out++ = uint8_t(0xC0 | code >> 6);
        *out++ = uint8_t(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = uint8_t(0xE0 | code >> 12);
        *out++ = uint8_t(0x80 | (code >> 6 & 0x3F));
        *out++ = uint8_t(0x80 | (code & 0x3F));
    } else {
        *out++ = uint8_t(0xF0 | code >> 18);
        *out++ = uint8_t(0x80 | (code >> 12 & 0x3F));
        *out++ = uint8_t(0x80 | (code >> 6 & 0x3F));
        *out++ = uint8_t(0x80 | (code & 0x3F));
    }
    return out;
}

// Opens the escapes of [in, end) in place (opened text is never longer). Half a surrogate pair becomes '?', as Java encodes it.
// Answers the new length, or SIZE_MAX when an escape is wrong.
size_t unescape(uint8_t *start, size_t length) {
    const uint8_t *in = start;
    const uint8_t *end = start + length;
    uint8_t *out = start;
    while (in < end) {
        if (*in != '\\') {
            *out++ = *in++;
            continue;
        }
        if (end - in < 2) return SIZE_MAX;
        uint8_t kind = in[1];
        in += 2;
        switch (kind) {
        case '"': case '\\': case '/': *out++ = kind; break;
        case 'b': *out++ = 8; break;
        case 'f': *out++ = 12; break;
        case 'n': *out++ = 10; break;
        case 'r': *out++ = 13; break;
        case 't': *out++ = 9; break;
        case 'u': {
            int unit = code_unit(in, end);
            if (unit < 0) return SIZE_MAX;
            in += 4;
            uint32_t code = uint32_t(unit);
            if (unit >= 0xD800 && unit < 0xE000) {
                int low = unit < 0xDC00 && end - in >= 6 && in[0] == '\\' && in[1] == 'u' ? code_unit(in + 2, end) : -1;
                if (low >= 0xDC00 && low < 0xE000) {
                    code = 0x10000 + (uint32_t(unit - 0xD800) << 10) + uint32_t(low - 0xDC00);
                    in += 6;
                } else {
                    code = '?';
                }
            }
            out = put_utf8(out, code);
            break;
        }
        default: return SIZE_MAX;
        }
    }
    return size_t(out - start);
}

// Length of the string whose text begins at p (behind its quote); stage 1 has seen to it that the closing quote exists.
inline size_t string_length(const uint8_t *p, bool &has_escape) {
    const uint8_t *q = p;
    has_escape = false;
    while (true) {
        uint64_t word;
        std::memcpy(&word, q, 8);
        const uint64_t ones = 0x0101010101010101ull, high = 0x8080808080808080ull;
        uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
        uint64_t found = (((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & high;
        if (found == 0) {
            q += 8;
            continue;
        }
        q += __builtin_ctzll(found) >> 3;
        if (*q == '"') return size_t(q - p);
        has_escape = true;
        q += 2;
    }
}

}  // namespace

struct lamina_json_parser {
    // Written out: implicit ones would not get the instruction set of the region.
    lamina_json_parser() {}
    ~lamina_json_parser() {}

    ondemand::parser parser;
    dom::parser nested;
    std::vector<Field> fields;
    std::unordered_map<std::string, uint32_t> index;
    std::vector<Escaped> escaped;
    std::string key_buffer;

    void *context;
    lamina_json_on_field on_field;
    const uint8_t *base;
    const uint8_t *readable_end;

    uint32_t field_named(std::string_view name) {
        auto known = index.find(std::string(name));
        if (known != index.end()) return known->second;
        Field field;
        field.name = std::string(name);
        field.column = on_field(context, name.data(), name.size());
        fields.push_back(field);
        index.emplace(std::string(name), uint32_t(fields.size() - 1));
        return uint32_t(fields.size() - 1);
    }

    // The field of a key; `expected` is the one that follows the last in the rows before, which saves the look-up.
    bool find_field(const uint8_t *key, uint32_t expected, uint32_t &field) {
        if (expected < fields.size()) {
            const std::string &name = fields[expected].name;
            if (size_t(readable_end - key) > name.size() && std::memcmp(key, name.data(), name.size()) == 0 &&
                key[name.size()] == '"') {
                field = expected;
                return true;
            }
        }
        bool has_escape;
        size_t length = string_length(key, has_escape);
        if (has_escape) {
            key_buffer.assign(reinterpret_cast<const char *>(key), length);
            size_t opened = unescape(reinterpret_cast<uint8_t *>(&key_buffer[0]), length);
            if (opened == SIZE_MAX) return false;
            field = field_named(std::string_view(key_buffer.data(), opened));
        } else {
            field = field_named(std::string_view(reinterpret_cast<const char *>(key), length));
        }
        return true;
    }

    inline void set(uint32_t field, uint32_t row, uint8_t kind, uint64_t payload) {
        lamina_json_column &column = fields[field].column;
        if (column.kinds == nullptr) return;
        column.kinds[row] = kind;
        column.payloads[row] = payload;
    }

    bool parse_value(ondemand::value value, uint32_t field, uint32_t row) {
        ondemand::json_type type;
        if (value.type().get(type)) return false;
        switch (type) {
        case ondemand::json_type::string: {
            ondemand::raw_json_string raw;
            if (value.get_raw_json_string().get(raw)) return false;
            const uint8_t *text = reinterpret_cast<const uint8_t *>(raw.raw());
            bool has_escape;
            size_t length = string_length(text, has_escape);
            if (has_escape) escaped.push_back({field, uint32_t(text - base), uint32_t(length)});
            set(field, row, kind_string, text_payload(size_t(text - base), length));
            return true;
        }
        case ondemand::json_type::number: {
            ondemand::number number;
            if (value.get_number().get(number)) return false;
            if (number.is_int64()) {
                set(field, row, kind_long, uint64_t(number.get_int64()));
            } else {
                double real = number.is_uint64() ? double(number.get_uint64()) : number.get_double();
                uint64_t bits;
                std::memcpy(&bits, &real, 8);
                set(field, row, kind_double, bits);
            }
            return true;
        }
        case ondemand::json_type::boolean: {
            bool truth;
            if (value.get_bool().get(truth)) return false;
            set(field, row, kind_bool, truth ? 1 : 0);
            return true;
        }
        case ondemand::json_type::null: {
            bool is_null;
            if (value.is_null().get(is_null) || !is_null) return false;
            set(field, row, kind_null, 0);
            return true;
        }
        default: return parse_nested(value, type, field, row);
        }
    }

    // Arrays and objects stay JSON text; a second look checks what the first pass only steps over.
    bool parse_nested(ondemand::value value, ondemand::json_type type, uint32_t field, uint32_t row) {
        std::string_view text;
        if (type == ondemand::json_type::array) {
            ondemand::array array;
            if (value.get_array().get(array) || array.raw_json().get(text)) return false;
        } else {
            ondemand::object object;
            if (value.get_object().get(object) || object.raw_json().get(text)) return false;
        }
        dom::element checked;
        if (nested.parse(text.data(), text.size(), false).get(checked)) return false;
        set(field, row, kind_json, text_payload(size_t(reinterpret_cast<const uint8_t *>(text.data()) - base), text.size()));
        return true;
    }

    bool parse_line(const uint8_t *line, size_t length, size_t readable, uint32_t row) {
        ondemand::document document;
        padded_string_view view(reinterpret_cast<const char *>(line), length, readable);
        if (parser.iterate(view).get(document)) return false;
        ondemand::object object;
        if (document.get_object().get(object)) return false;
        uint32_t expected = 0;
        for (auto item : object) {
            ondemand::field pair;
            if (std::move(item).get(pair)) return false;
            uint32_t field;
            if (!find_field(reinterpret_cast<const uint8_t *>(pair.key().raw()), expected, field)) return false;
            expected = field + 1;
            if (!parse_value(pair.value(), field, row)) return false;
        }
        // A later value of a repeated key replaces the earlier: its escapes are then none of the row's.
        for (const Escaped &text : escaped) {
            lamina_json_column &column = fields[text.field].column;
            bool is_stored = column.kinds != nullptr && column.kinds[row] == kind_string &&
                             column.payloads[row] == text_payload(text.start, text.length);
            size_t opened = unescape(const_cast<uint8_t *>(base) + text.start, text.length);
            if (opened == SIZE_MAX) return false;
            if (is_stored) column.payloads[row] = text_payload(text.start, opened);
        }
        return true;
    }
};

extern "C" {

lamina_json_parser *lamina_json_parser_new(void) { return new (std::nothrow) lamina_json_parser(); }

void lamina_json_parser_free(lamina_json_parser *parser) { delete parser; }

size_t lamina_json_padding(void) { return SIMDJSON_PADDING; }

int lamina_utf8_is_valid(const uint8_t *bytes, size_t length) {
    return validate_utf8(reinterpret_cast<const char *>(bytes), length) ? 1 : 0;
}

const char *lamina_json_implementation(void) { return SIMDJSON_STRINGIFY(SIMDJSON_BUILTIN_IMPLEMENTATION); }

uint32_t lamina_json_parse_lines(
    lamina_json_parser *parser, uint8_t *bytes, size_t length, uint32_t origin, void *context,
    lamina_json_on_field on_field, lamina_json_on_line on_line) {
    parser->context = context;
    parser->on_field = on_field;
    parser->base = bytes - origin;
    parser->readable_end = bytes + length + SIMDJSON_PADDING;
    parser->fields.clear();
    parser->index.clear();
    uint32_t row = 0;
    uint32_t line = 0;
    size_t start = 0;
    size_t readable = length + SIMDJSON_PADDING;
    while (start < length) {
        const void *found = std::memchr(bytes + start, '\n', length - start);
        size_t end = found ? size_t(static_cast<const uint8_t *>(found) - bytes) : length;
        size_t next = found ? end + 1 : length;
        if (found && end > start && bytes[end - 1] == '\r') end -= 1;
        parser->escaped.clear();
        if (parser->parse_line(bytes + start, end - start, readable - start, row)) {
            row += 1;
        } else {
            // What the line left behind before it failed.
            for (Field &field : parser->fields) {
                if (field.column.kinds != nullptr) field.column.kinds[row] = 0;
            }
            row += on_line(context, row, line, start, end - start);
        }
        line += 1;
        start = next;
    }
    return row;
}
}

#ifdef LAMINA_POP_TARGET
#pragma clang attribute pop
#endif
