#include <charconv>
#include <cstdlib>
#include <cstring>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "CSimdJSON.h"

// simdjson's first stage finds the structure of a whole chunk of lines at once (it picks the instruction set of the machine by
// itself) and checks that the text is UTF-8; the second stage here walks that structure straight into columns.

using namespace simdjson;

namespace {

// As `FieldKind` of LaminaIngest has them.
enum Kind : uint8_t { kind_null = 1, kind_string = 2, kind_long = 3, kind_double = 4, kind_bool = 5, kind_json = 6 };

struct Field {
    // Followed by eight bytes more, so that names compare in words.
    std::string name;
    size_t length;
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

// Whether every escape of a text is one of JSON's.
bool escapes_are_sound(const uint8_t *p, size_t length) {
    const uint8_t *end = p + length;
    while (p < end) {
        if (*p++ != '\\') continue;
        if (p == end) return false;
        uint8_t kind = *p++;
        if (kind == 'u') {
            if (code_unit(p, end) < 0) return false;
            p += 4;
        } else if (std::strchr("\"\\/bfnrt", kind) == nullptr || kind == 0) {
            return false;
        }
    }
    return true;
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

inline uint64_t load_word(const void *p) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    return word;
}

// Whether the bytes have a backslash; up to seven bytes behind them are read.
inline bool has_backslash(const uint8_t *p, size_t length) {
    const uint64_t ones = 0x0101010101010101ull, high = 0x8080808080808080ull;
    for (size_t i = 0; i < length; i += 8) {
        uint64_t word = load_word(p + i) ^ ones * '\\';
        uint64_t found = (word - ones) & ~word & high;
        if (found != 0) return i + size_t(__builtin_ctzll(found) >> 3) < length;
    }
    return false;
}

// Both are followed by eight readable bytes.
inline bool same_bytes(const uint8_t *a, const char *b, size_t length) {
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        if (load_word(a + i) != load_word(b + i)) return false;
    }
    if (i == length) return true;
    return ((load_word(a + i) ^ load_word(b + i)) << (64 - 8 * (length - i))) == 0;
}

inline bool is_digit(uint8_t c) { return uint8_t(c - '0') < 10; }
inline bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

inline uint64_t double_bits(double value) {
    uint64_t bits;
    std::memcpy(&bits, &value, 8);
    return bits;
}

double slow_double(const uint8_t *p, const uint8_t *end) {
    const char *first = reinterpret_cast<const char *>(p);
    const char *last = reinterpret_cast<const char *>(end);
    double value;
    if (std::from_chars(first, last, value).ec == std::errc()) return value;
    // Too large or too small: strtod says infinity or zero.
    return std::strtod(std::string(first, last).c_str(), nullptr);
}

// One JSON number from p to end, all of it.
bool parse_number(const uint8_t *p, const uint8_t *end, uint8_t &kind, uint64_t &payload) {
    const uint8_t *q = p;
    const bool negative = *q == '-';
    if (negative) q++;
    const uint8_t *digits = q;
    uint64_t mantissa = 0;
    while (q < end && is_digit(*q)) mantissa = mantissa * 10 + uint64_t(*q++ - '0');
    const size_t whole = size_t(q - digits);
    if (whole == 0 || (whole > 1 && *digits == '0')) return false;
    if (q == end) {
        int64_t value;
        if (whole <= 18) {
            value = negative ? -int64_t(mantissa) : int64_t(mantissa);
        } else if (std::from_chars(reinterpret_cast<const char *>(p), reinterpret_cast<const char *>(end), value).ec !=
                   std::errc()) {
            kind = kind_double;
            payload = double_bits(slow_double(p, end));
            return true;
        }
        kind = kind_long;
        payload = uint64_t(value);
        return true;
    }
    kind = kind_double;
    size_t fraction = 0;
    if (*q == '.') {
        const uint8_t *start = ++q;
        while (q < end && is_digit(*q)) mantissa = mantissa * 10 + uint64_t(*q++ - '0');
        fraction = size_t(q - start);
        if (fraction == 0) return false;
    }
    if (q == end && whole + fraction <= 19 && mantissa <= uint64_t(1) << 53) {
        // Mantissa and power are exact, so their quotient is the nearest double.
        double value = double(mantissa) / powers_of_ten[fraction];
        payload = double_bits(negative ? -value : value);
        return true;
    }
    if (q < end && (*q | 0x20) == 'e') {
        q++;
        if (q < end && (*q == '+' || *q == '-')) q++;
        const uint8_t *start = q;
        while (q < end && is_digit(*q)) q++;
        if (q == start) return false;
    }
    if (q != end) return false;
    payload = double_bits(slow_double(p, end));
    return true;
}

}  // namespace

// No deeper than the readers of the text behind this one will go.
const size_t nested_depth_max = 500;

struct lamina_json_parser {
    dom::parser structure;
    dom::parser nested;
    std::vector<Field> fields;
    std::unordered_map<std::string, uint32_t> index;
    std::vector<Escaped> escaped;
    std::string key_buffer;

    void *context;
    lamina_json_on_field on_field;
    const uint8_t *base;

    uint32_t field_named(std::string_view name) {
        auto known = index.find(std::string(name));
        if (known != index.end()) return known->second;
        Field field;
        field.name = std::string(name) + std::string(8, '\0');
        field.length = name.size();
        field.column = on_field(context, name.data(), name.size());
        fields.push_back(field);
        index.emplace(std::string(name), uint32_t(fields.size() - 1));
        return uint32_t(fields.size() - 1);
    }

    // The field of a key; `expected` is the one that follows the last in the rows before, which saves the look-up.
    bool find_field(const uint8_t *key, size_t length, uint32_t expected, uint32_t &field) {
        if (expected < fields.size()) {
            const Field &next = fields[expected];
            if (next.length == length && same_bytes(key, next.name.data(), length)) {
                field = expected;
                return true;
            }
        }
        const char *text = reinterpret_cast<const char *>(key);
        if (!has_backslash(key, length)) {
            field = field_named(std::string_view(text, length));
            return true;
        }
        key_buffer.assign(text, length);
        size_t opened = unescape(reinterpret_cast<uint8_t *>(&key_buffer[0]), length);
        if (opened == SIZE_MAX) return false;
        field = field_named(std::string_view(key_buffer.data(), opened));
        return true;
    }

    inline void set(uint32_t field, uint32_t row, uint8_t kind, uint64_t payload) {
        lamina_json_column &column = fields[field].column;
        if (column.kinds == nullptr) return;
        column.kinds[row] = kind;
        column.payloads[row] = payload;
    }

    // The first place behind the token that ends before `next`.
    static inline size_t token_end(const uint8_t *text, size_t next) {
        while (is_space(text[next - 1])) next--;
        return next;
    }

    // One value whose structure begins at i; leaves i at its last structural character.
    bool parse_value(const uint8_t *text, const uint32_t *&i, size_t end, uint32_t field, uint32_t row) {
        const size_t start = *i;
        const uint8_t *p = text + start;
        switch (*p) {
        case '"': {
            size_t close = token_end(text, i[1]) - 1;
            if (close <= start || text[close] != '"') return false;
            size_t length = close - start - 1;
            size_t offset = size_t(p + 1 - base);
            if (has_backslash(p + 1, length)) escaped.push_back({field, uint32_t(offset), uint32_t(length)});
            set(field, row, kind_string, text_payload(offset, length));
            return true;
        }
        case '{': case '[': {
            size_t depth = 0;
            while (true) {
                if (*i >= end) return false;
                uint8_t c = text[*i];
                if (c == '{' || c == '[') depth++;
                if ((c == '}' || c == ']') && --depth == 0) break;
                i++;
            }
            size_t length = *i + 1 - start;
            if (nested.max_depth() != nested_depth_max && nested.allocate(1 << 12, nested_depth_max)) return false;
            dom::element checked;
            if (nested.parse(p, length, false).get(checked)) return false;
            set(field, row, kind_json, text_payload(size_t(p - base), length));
            return true;
        }
        case 't': case 'f': case 'n': {
            size_t length = token_end(text, i[1]) - start;
            const char *word = *p == 't' ? "true" : *p == 'f' ? "false" : "null";
            if (length != std::strlen(word) || std::memcmp(p, word, length) != 0) return false;
            set(field, row, *p == 'n' ? kind_null : kind_bool, *p == 't' ? 1 : 0);
            return true;
        }
        default: {
            uint8_t kind;
            uint64_t payload;
            if (!parse_number(p, text + token_end(text, i[1]), kind, payload)) return false;
            set(field, row, kind, payload);
            return true;
        }
        }
    }

    // One object that ends no later than `end`, by the structural characters from i on; leaves i at its brace when it is sound.
    bool parse_object(const uint8_t *text, const uint32_t *&i, size_t end, uint32_t row) {
        if (*i >= end || text[*i] != '{') return false;
        i++;
        if (*i < end && text[*i] == '}') return true;
        uint32_t expected = 0;
        while (true) {
            if (*i >= end || text[*i] != '"') return false;
            const size_t key = *i + 1;
            i++;
            if (*i >= end || text[*i] != ':') return false;
            const size_t close = token_end(text, *i) - 1;
            if (close < key || text[close] != '"') return false;
            uint32_t field;
            if (!find_field(text + key, close - key, expected, field)) return false;
            expected = field + 1;
            i++;
            if (*i >= end || i[1] >= end) return false;
            if (!parse_value(text, i, end, field, row)) return false;
            i++;
            if (*i >= end) return false;
            if (text[*i] == '}') break;
            if (text[*i] != ',') return false;
            i++;
        }
        return escaped.empty() || open_escapes(row);
    }

    // A later value of a repeated key replaces the earlier: its escapes are then none of the row's.
    bool open_escapes(uint32_t row) {
        for (const Escaped &text : escaped) {
            if (!escapes_are_sound(base + text.start, text.length)) return false;
        }
        for (const Escaped &text : escaped) {
            lamina_json_column &column = fields[text.field].column;
            bool is_stored = column.kinds != nullptr && column.kinds[row] == kind_string &&
                             column.payloads[row] == text_payload(text.start, text.length);
            size_t opened = unescape(const_cast<uint8_t *>(base) + text.start, text.length);
            if (is_stored) column.payloads[row] = text_payload(text.start, opened);
        }
        return true;
    }

    // Takes back what rows that failed have left behind.
    void clear_rows(uint32_t row, uint32_t count) {
        for (Field &field : fields) {
            if (field.column.kinds != nullptr) std::memset(field.column.kinds + row, 0, count);
        }
    }

    void begin(uint8_t *bytes, uint32_t origin, void *caller, lamina_json_on_field asks) {
        context = caller;
        on_field = asks;
        base = bytes - origin;
        fields.clear();
        index.clear();
    }

    // Finds the structure of a text; null when it is not sound.
    const uint32_t *find_structure(const uint8_t *text, size_t length) {
        if (structure.capacity() < length || !structure.implementation) {
            if (structure.allocate(length < 1 << 16 ? 1 << 16 : length)) return nullptr;
        }
        if (structure.implementation->stage1(text, length, stage1_mode::regular)) return nullptr;
        return structure.implementation->structural_indexes.get();
    }
};

extern "C" {

lamina_json_parser *lamina_json_parser_new(void) { return new (std::nothrow) lamina_json_parser(); }

void lamina_json_parser_free(lamina_json_parser *parser) { delete parser; }

size_t lamina_json_padding(void) { return SIMDJSON_PADDING; }

int lamina_utf8_is_valid(const uint8_t *bytes, size_t length) {
    return validate_utf8(reinterpret_cast<const char *>(bytes), length) ? 1 : 0;
}

uint32_t lamina_json_parse_lines(
    lamina_json_parser *parser, uint8_t *bytes, size_t length, uint32_t origin, void *context,
    lamina_json_on_field on_field, lamina_json_on_line on_line) {
    parser->begin(bytes, origin, context, on_field);
    // A line whose quotes do not close would shift what counts as text in all lines behind it. It also has its line end inside a
    // string then, which the first stage refuses: the chunk is taken line by line instead.
    const uint32_t *all = parser->find_structure(bytes, length);
    uint32_t row = 0;
    uint32_t line = 0;
    size_t start = 0;
    while (start < length) {
        const void *found = std::memchr(bytes + start, '\n', length - start);
        size_t end = found ? size_t(static_cast<const uint8_t *>(found) - bytes) : length;
        size_t next = found ? end + 1 : length;
        if (found && end > start && bytes[end - 1] == '\r') end -= 1;
        parser->escaped.clear();
        bool is_row;
        if (all != nullptr) {
            while (*all < start) all++;
            const uint32_t *i = all;
            is_row = parser->parse_object(bytes, i, end, row);
        } else {
            const uint32_t *own = end > start ? parser->find_structure(bytes + start, end - start) : nullptr;
            is_row = own != nullptr && parser->parse_object(bytes + start, own, end - start, row);
        }
        if (is_row) {
            row += 1;
        } else {
            parser->clear_rows(row, 1);
            row += on_line(context, row, line, start, end - start);
        }
        line += 1;
        start = next;
    }
    return row;
}

uint32_t lamina_json_parse_records(
    lamina_json_parser *parser, uint8_t *bytes, size_t length, uint32_t origin, const uint32_t *ends, uint32_t count,
    uint32_t rows_max, uint32_t *record_of_row, void *context, lamina_json_on_field on_field,
    lamina_json_on_record on_record) {
    parser->begin(bytes, origin, context, on_field);
    // As with lines: a record whose quotes do not close has the line end behind it inside a string.
    const uint32_t *all = parser->find_structure(bytes, length);
    uint32_t row = 0;
    size_t start = 0;
    for (uint32_t record = 0; record < count; record++) {
        const size_t end = ends[record];
        // Every record behind this one wants a row as well.
        const uint32_t room = rows_max - row - (count - record - 1);
        const uint8_t *text = bytes;
        size_t text_end = end;
        const uint32_t *i = all;
        if (all != nullptr) {
            while (*i < start) i++;
        } else if (end > start) {
            text = bytes + start;
            text_end = end - start;
            i = parser->find_structure(text, text_end);
        }
        uint32_t rows = 0;
        bool is_sound = i != nullptr && *i < text_end;
        while (is_sound && *i < text_end) {
            if (rows == room) return UINT32_MAX;
            parser->escaped.clear();
            is_sound = parser->parse_object(text, i, text_end, row + rows);
            rows++;
            i++;
        }
        if (is_sound) {
            if (all != nullptr) all = i;
        } else {
            parser->clear_rows(row, rows);
            rows = on_record(context, row, record, room);
            if (rows == UINT32_MAX) return UINT32_MAX;
        }
        for (uint32_t k = 0; k < rows; k++) record_of_row[row + k] = record;
        row += rows;
        start = end + 1;
    }
    return row;
}
}
