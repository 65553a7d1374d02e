import LaminaIngest
import LaminaKafkaTestSupport
import Testing

/// Values by partition and offset, until so many records are there; the position afterwards.
func readRecords(
    _ source: any StreamSource,
    _ count: Int,
    maxRecords: Int = 1000,
    maxBytes: Int = 1 << 20
) throws -> (records: [String], next: StreamPosition) {
    var records: [String] = []
    var next: StreamPosition = [:]
    let deadline = seconds() + 60
    while records.count < count, seconds() < deadline {
        guard let batch = try source.poll(maxRecords: maxRecords, maxBytes: maxBytes, milliseconds: 200) else {
            continue
        }
        #expect(batch.records.count <= maxRecords)
        for record in batch.records {
            let partition = batch.partitions[Int(record.partition)].number
            let value = record.value.map { String(decoding: batch.bytes[$0], as: UTF8.self) } ?? "-"
            records.append("\(partition)@\(record.offset)=\(value)")
        }
        next.merge(batch.next) { _, new in new }
    }
    return (records, next)
}
