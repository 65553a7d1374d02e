import Glibc
import LaminaBase
import LaminaSegment

let segmentCommand = Command(
    name: "segment",
    summary: "Look into Druid segments, copy them in and out of a data directory",
    subcommands: [
        segmentInspectCommand, segmentDumpCommand, segmentVerifyCommand, segmentRewriteCommand, segmentImportCommand,
        segmentExportCommand,
    ]
)

private let segmentPath = Positional(name: "PATH", help: "An index folder, its parent, or an index.zip")

let segmentInspectCommand = Command(
    name: "inspect",
    summary: "Show a segment's columns, how they are stored and how large they are",
    options: [Option(name: "json", help: "Everything, as JSON")],
    positionals: [segmentPath],
    examples: [
        "lamina segment inspect segments/segments/wikipedia/2015-09-12T00:00:00.000Z_2015-09-13T00:00:00.000Z/*/0"
    ],
    body: { arguments in
        let inspection = try SegmentInspection(try Segment.open(path: arguments.positionals[0]))
        if arguments.has("json") {
            say(inspection.json.text + "\n")
            return 0
        }
        say("\(inspection.place)\n")
        say(
            "\(counted(Int64(inspection.rowCount), "row")), \(counted(inspection.sizeBytes, "byte")), \(inspection.interval.text)\n"
        )
        say("bitmaps \(inspection.bitmap), ordered by ")
        say(
            inspection.ordering.map { $0.ascending ? $0.name : "\($0.name) descending" }.joined(separator: ", ")
                + "\n\n"
        )
        var table = TextTable(columns: [
            "column", "role", "type", "encoding", "compression", "values", "bitmaps", "nulls", "bytes",
        ])
        for column in inspection.columns {
            table.rows.append([
                .string(column.name), .string(column.role), .string(column.type.description), .string(column.encoding),
                .string(column.compression ?? "none"), column.cardinality.map { .int(Int64($0)) } ?? .null,
                .string(column.hasBitmaps ? "yes" : "no"), .string(column.hasNulls ? "yes" : "no"),
                .int(Int64(column.sizeBytes)),
            ])
        }
        say(table.text())
        return 0
    }
)

let segmentDumpCommand = Command(
    name: "dump",
    summary: "Print every row, one JSON object a line, in stored order",
    discussion: "Every column is written, nulls too. Complex values other than json and pairs are base64.",
    options: [
        Option(name: "skip", value: "N", help: "Leave out the first N rows"),
        Option(name: "limit", value: "N", help: "Print at most N rows"),
    ],
    positionals: [segmentPath],
    examples: [
        "lamina segment dump segments/segments/wikipedia/2015-09-12T00:00:00.000Z_2015-09-13T00:00:00.000Z/*/0 --limit 3"
    ],
    body: { arguments in
        let segment = try Segment.open(path: arguments.positionals[0])
        let first = min(segment.rowCount, try arguments.int("skip", in: 0...Int.max, default: 0))
        let count = min(
            segment.rowCount - first,
            try arguments.int("limit", in: 0...Int.max, default: segment.rowCount)
        )
        try RowDump.write(segment, rows: first..<first + count) { text throws(LaminaError) in
            writeAll(text, to: STDOUT_FILENO)
        }
        return 0
    }
)

let segmentVerifyCommand = Command(
    name: "verify",
    summary: "Decode every byte of segments and say what does not fit together",
    discussion: "Ends with status 1 when something is wrong.",
    positionals: [Positional(name: "PATH", help: segmentPath.help, isRepeated: true)],
    examples: ["lamina segment verify segments/segments/wikipedia/*/*/*"],
    body: { arguments in
        var bad = 0
        for path in arguments.positionals {
            var problems: [String]
            do throws(LaminaError) {
                problems = SegmentVerification.problems(of: try Segment.open(path: path))
            } catch {
                problems = [error.message]
            }
            if problems.isEmpty {
                say("\(path): sound\n")
                continue
            }
            bad += 1
            for problem in problems { say("\(path): \(printable(problem))\n") }
        }
        return bad == 0 ? 0 : 1
    }
)
