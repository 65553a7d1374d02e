#ifndef LAMINA_CSIMDJSON_H
#define LAMINA_CSIMDJSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Where the values of one field go: one kind and one payload a row, as `FieldColumn` of LaminaIngest lays them out.
/// A null `kinds` is a field nobody wants: its values are checked and dropped.
typedef struct {
    uint8_t *kinds;
    uint64_t *payloads;
} lamina_json_column;

/// A parser with its buffers; used by one thread at a time.
typedef struct lamina_json_parser lamina_json_parser;

lamina_json_parser *lamina_json_parser_new(void);
void lamina_json_parser_free(lamina_json_parser *parser);

/// Asks where a field goes that has not been seen in these lines.
typedef lamina_json_column (*lamina_json_on_field)(void *context, const char *name, size_t length);
/// Hands over a line that is not plain, well-formed JSON of an object; the answer is how many rows it became (0 or 1).
/// `line` counts from 0.
typedef uint32_t (*lamina_json_on_line)(
    void *context, uint32_t row, uint32_t line, size_t start, size_t length);

/// Parses `bytes`, one JSON object a line, and answers how many rows there are.
///
/// At least `lamina_json_padding()` readable bytes must follow `length`. Strings with escapes are opened in place; payloads of text
/// are offsets into `bytes` plus `origin`. Lines end with LF or CR LF; the last may have no end.
uint32_t lamina_json_parse_lines(
    lamina_json_parser *parser, uint8_t *bytes, size_t length, uint32_t origin, void *context,
    lamina_json_on_field on_field, lamina_json_on_line on_line);

/// Hands over a record that is something else than plain, well-formed JSON objects one behind the other; the answer is how many
/// rows it became, no more than `room`, or UINT32_MAX to give up.
typedef uint32_t (*lamina_json_on_record)(void *context, uint32_t row, uint32_t record, uint32_t room);

/// Parses records, each of one or several JSON objects: the first begins at 0, record n ends at `ends[n]`, and behind each stands a
/// line feed that is none of it. Answers how many rows there are, each one's record in `record_of_row`; UINT32_MAX when they would be
/// more than `rows_max` (which is no less than `count`), the text being half worked through then.
///
/// Everything else as with lines.
uint32_t lamina_json_parse_records(
    lamina_json_parser *parser, uint8_t *bytes, size_t length, uint32_t origin, const uint32_t *ends, uint32_t count,
    uint32_t rows_max, uint32_t *record_of_row, void *context, lamina_json_on_field on_field,
    lamina_json_on_record on_record);

/// Bytes that must be readable after the text.
size_t lamina_json_padding(void);

/// Whether the bytes are UTF-8.
int lamina_utf8_is_valid(const uint8_t *bytes, size_t length);

#ifdef __cplusplus
}
#endif

#endif
