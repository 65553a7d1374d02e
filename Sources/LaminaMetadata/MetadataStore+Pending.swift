package import LaminaBase

/// One row of `druid_pendingSegments`: a segment that was allocated and is not published yet.
package struct PendingSegmentRecord: Sendable, Hashable {
    package var id: String
    package var dataSource: String
    /// ISO texts of the interval's ends.
    package var start: String
    package var end: String
    package var createdDate: String
    package var sequenceName: String
    /// The segment that was allocated before this one in the sequence; empty for the first.
    package var sequencePrevID: String
    /// Unique among all rows.
    package var sequenceSHA1: String
    /// `SegmentIdWithShardSpec` as JSON.
    package var payload: [UInt8]
    /// The allocation whose rows show under this id, too.
    package var upgradedFrom: String?
    /// Who allocated it: a task, or one writer of a stream.
    package var allocator: String

    package init(
        id: String,
        dataSource: String,
        start: String,
        end: String,
        createdDate: String,
        sequenceName: String,
        sequencePrevID: String,
        sequenceSHA1: String,
        payload: [UInt8],
        upgradedFrom: String?,
        allocator: String
    ) {
        self.id = id
        self.dataSource = dataSource
        self.start = start
        self.end = end
        self.createdDate = createdDate
        self.sequenceName = sequenceName
        self.sequencePrevID = sequencePrevID
        self.sequenceSHA1 = sequenceSHA1
        self.payload = payload
        self.upgradedFrom = upgradedFrom
        self.allocator = allocator
    }
}

extension MetadataStore {
    private static let pendingColumns =
        "id, dataSource, start, \"end\", created_date, sequence_name, sequence_prev_id, sequence_name_prev_id_sha1, "
        + "payload, upgraded_from_segment_id, task_allocator_id"

    /// Allocated segments that are not published, oldest first; of one datasource or of all.
    package func pendingSegments(dataSource: String? = nil) throws(LaminaError) -> [PendingSegmentRecord] {
        let filter = dataSource == nil ? "" : " WHERE dataSource = ?"
        let rows = try access { database throws(LaminaError) in
            try database.run(
                "SELECT \(Self.pendingColumns) FROM druid_pendingSegments\(filter) ORDER BY rowid",
                dataSource.map { [.text($0)] } ?? []
            )
        }
        return rows.map { row in
            PendingSegmentRecord(
                id: row[0].text ?? "",
                dataSource: row[1].text ?? "",
                start: row[2].text ?? "",
                end: row[3].text ?? "",
                createdDate: row[4].text ?? "",
                sequenceName: row[5].text ?? "",
                sequencePrevID: row[6].text ?? "",
                sequenceSHA1: row[7].text ?? "",
                payload: Array((row[8].text ?? "").utf8),
                upgradedFrom: row[9].text,
                allocator: row[10].text ?? ""
            )
        }
    }

    /// Adds a row; an id or sequence place that is taken is an error of the whole transaction.
    static func insert(_ pending: PendingSegmentRecord, into database: Database) throws(LaminaError) {
        try database.run(
            "INSERT INTO druid_pendingSegments (\(pendingColumns)) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            [
                .text(pending.id), .text(pending.dataSource), .text(pending.start), .text(pending.end),
                .text(pending.createdDate), .text(pending.sequenceName), .text(pending.sequencePrevID),
                .text(pending.sequenceSHA1), .blob(pending.payload), SQLValue(pending.upgradedFrom),
                .text(pending.allocator),
            ]
        )
    }

    /// Ids of all segments of a chunk and version that are known in any state: used, unused, or allocated.
    package func knownIDs(
        dataSource: String,
        start: String,
        end: String,
        version: String
    ) throws(LaminaError) -> [String] {
        let prefix = "\(dataSource)_\(start)_\(end)_\(version)"
        let rows = try access { database throws(LaminaError) in
            try database.run(
                """
                SELECT id FROM druid_segments WHERE dataSource = ? AND used IN (0, 1) AND "end" = ? AND start = ? AND version = ?
                UNION ALL SELECT id FROM druid_pendingSegments WHERE dataSource = ? AND start = ? AND "end" = ?
                """,
                [
                    .text(dataSource), .text(end), .text(start), .text(version), .text(dataSource), .text(start),
                    .text(end),
                ]
            )
        }
        return rows.compactMap { $0.first?.text }.filter { $0 == prefix || $0.hasPrefix(prefix + "_") }
    }
}
