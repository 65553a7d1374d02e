import Glibc
import LaminaBase
import LaminaTestSupport
import Testing

@Suite struct SegmentTests {
    @Test(arguments: [
        #"{"type":"none"}"#, #"{"type":"linear","partitionNum":3}"#,
        #"{"type":"numbered","partitionNum":1,"partitions":2}"#,
        #"{"type":"hashed","partitionNum":0,"partitions":2,"bucketId":0,"numBuckets":2,"partitionDimensions":["d"],"partitionFunction":"murmur3_32_abs"}"#,
        #"{"type":"single","start":null,"end":"m","dimension":"d","partitionNum":0,"numCorePartitions":2}"#,
        #"{"type":"range","dimensions":["a","b"],"start":null,"end":["x",null],"partitionNum":0,"numCorePartitions":2}"#,
        #"{"type":"numbered_overwrite","partitionId":32768,"startRootPartitionId":0,"endRootPartitionId":2,"minorVersion":1,"atomicUpdateGroupSize":1}"#,
        #"{"type":"tombstone","partitionNum":0,"partitions":0}"#,
    ])
    func shardSpecsReturn(_ text: String) throws {
        #expect(try ShardSpec(json: JSONParser.parse(text)).json.text == text)
    }

    @Test func olderForms() throws {
        let hashed = try ShardSpec(json: JSONParser.parse(#"{"type":"hashed","partitionNum":1,"partitions":2}"#))
        guard case .hashed(let spec) = hashed else { throw LaminaError.invalidInput("not hashed") }
        #expect(spec.bucket == 1 && spec.buckets == 2 && spec.function == nil && spec.dimensions.isEmpty)
        #expect(try ShardSpec(json: nil) == .numbered(partition: 0, core: 1))
        #expect(throws: LaminaError.self) { try ShardSpec(json: ["type": "building_numbered"]) }
        #expect(throws: LaminaError.self) { try ShardSpec(json: ["type": "numbered", "partitionNum": -1]) }
        #expect(throws: LaminaError.self) { try ShardSpec(json: "none") }
    }

    @Test(arguments: [
        "wiki_2024-01-01T00:00:00.000Z_2024-01-02T00:00:00.000Z_2024-05-01T12:34:56.789Z",
        "a_b_c_2024-01-01T00:00:00.000Z_2024-01-02T00:00:00.000Z_v1_12",
        "d_-146136543-09-08T08:23:32.096Z_146140482-04-24T15:36:27.903Z_v",
    ])
    func idsReturn(_ text: String) throws {
        #expect(try #require(SegmentID(parsing: text)).text == text)
    }

    @Test(arguments: [
        "", "wiki", "wiki_2024-01-01T00:00:00.000Z", "_2024-01-01T00:00:00.000Z_2024-01-02T00:00:00.000Z_v", "a_b_c_d",
    ])
    func idsRefuseOthers(_ text: String) { #expect(SegmentID(parsing: text) == nil) }

    /// Every segment that a real Druid listed comes out as it went in.
    @Test(.enabled(if: access(goldFolder + "/answers", R_OK) == 0)) func druidsSegmentsReturn() throws {
        var count = 0
        for line in try fileBytes(goldFolder + "/answers/segments.jsonl").split(separator: 10) {
            for json in try JSONParser.parse(Array(line))["segments"]?.arrayValue ?? [] {
                let segment = try DataSegment(json: json)
                #expect(segment.json.text == json.text)
                #expect(segment.id.text == json["identifier"]?.stringValue)
                count += 1
            }
        }
        #expect(count > 100)
    }
}
