import LaminaBase
import LaminaIngest
import LaminaSegment
import LaminaTestSupport

/// Runs `body` with a fresh host and the name of a folder that goes afterwards.
func withHost<Result>(_ body: (TestHost, String) throws -> Result) throws -> Result {
    let folder = freshFolder()
    defer { removeTestFiles(folder) }
    return try body(TestHost(), folder)
}

/// Runs an index task and publishes to the host what it built.
func runJob(_ task: JSON, _ host: TestHost, _ folder: String, threads: Int = 2) throws -> IndexJobResult {
    let spec = try IndexTaskSpec(json: task)
    host.begin(spec.dataSource)
    let job = IndexJob(
        spec: spec,
        taskID: "t",
        workDirectory: "\(folder)/\(UInt64.random(in: 0 ... .max))",
        threads: threads
    )
    let result = try job.run(host: host)
    host.publish(result.segments)
    return result
}

/// All rows of the segments, one segment after the other.
func storedRows(_ segments: [(segment: DataSegment, folder: String?)]) throws -> [JSON] {
    var out: [JSON] = []
    for (_, folder) in segments {
        guard let folder else { continue }
        let segment = try Segment.open(path: folder, cache: BlockCache(byteLimit: 1 << 20))
        try RowDump.write(segment) { text throws(LaminaError) in
            for line in text.split(separator: UInt8(ascii: "\n")) { out.append(try JSONParser.parse(Array(line))) }
        }
    }
    return out
}
