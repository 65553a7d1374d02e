package import LaminaBase

/// One row of `druid_segments`.
package struct SegmentRecord: Sendable, Hashable {
    package var id: String
    package var dataSource: String
    /// ISO texts of the interval's ends.
    package var start: String
    package var end: String
    package var partitioned: Bool
    package var version: String
    package var used: Bool
    package var createdDate: String
    package var usedStatusLastUpdated: String
    /// The `DataSegment` as JSON.
    package var payload: [UInt8]
    /// The segment whose files this one shares, under another interval or version.
    package var upgradedFrom: String?

    package init(
        id: String,
        dataSource: String,
        start: String,
        end: String,
        partitioned: Bool,
        version: String,
        used: Bool,
        createdDate: String,
        usedStatusLastUpdated: String,
        payload: [UInt8],
        upgradedFrom: String? = nil
    ) {
        self.id = id
        self.dataSource = dataSource
        self.start = start
        self.end = end
        self.partitioned = partitioned
        self.version = version
        self.used = used
        self.createdDate = createdDate
        self.usedStatusLastUpdated = usedStatusLastUpdated
        self.payload = payload
        self.upgradedFrom = upgradedFrom
    }
}

/// What one transaction does to the segments of the store.
package struct SegmentChange: Sendable {
    /// Rows to insert; one that is there already with the same id is left as it is.
    package var published: [SegmentRecord] = []
    /// Ids that are used again.
    package var used: [String] = []
    /// Ids that are used no more.
    package var unused: [String] = []
    /// Allocations to add.
    package var allocated: [PendingSegmentRecord] = []
    /// Ids of allocations that have ended.
    package var settled: [String] = []
    /// Fails the whole change when another commit came between.
    package var commit: DataSourceCommit?

    package init() {}

    package var isEmpty: Bool {
        published.isEmpty && used.isEmpty && unused.isEmpty && allocated.isEmpty && settled.isEmpty && commit == nil
    }
}

/// A compare-and-swap of a datasource's commit metadata, part of a publish.
package struct DataSourceCommit: Sendable, Hashable {
    package var dataSource: String
    /// What must be stored now: the payload's SHA-1 in hexadecimal; nil when nothing may be stored yet.
    package var expectedSHA1: String?
    package var payload: [UInt8]
    package var sha1: String

    package init(dataSource: String, expectedSHA1: String?, payload: [UInt8], sha1: String) {
        self.dataSource = dataSource
        self.expectedSHA1 = expectedSHA1
        self.payload = payload
        self.sha1 = sha1
    }
}

extension MetadataStore {
    private static let segmentColumns =
        "id, dataSource, start, \"end\", partitioned, version, used, created_date, used_status_last_updated, payload, "
        + "upgraded_from_segment_id"

    private static func segment(_ row: [SQLValue]) -> SegmentRecord {
        SegmentRecord(
            id: row[0].text ?? "",
            dataSource: row[1].text ?? "",
            start: row[2].text ?? "",
            end: row[3].text ?? "",
            partitioned: row[4].int == 1,
            version: row[5].text ?? "",
            used: row[6].int == 1,
            createdDate: row[7].text ?? "",
            usedStatusLastUpdated: row[8].text ?? "",
            payload: Array((row[9].text ?? "").utf8),
            upgradedFrom: row[10].text
        )
    }

    /// Segments by the used flag (nil: all), of one datasource or of all.
    package func segments(dataSource: String? = nil, used: Bool? = true) throws(LaminaError) -> [SegmentRecord] {
        var conditions: [String] = []
        var values: [SQLValue] = []
        if let used {
            conditions.append("used = ?")
            values.append(SQLValue(used))
        }
        if let dataSource {
            conditions.append("dataSource = ?")
            values.append(.text(dataSource))
        }
        let rest = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        let rows = try access { database throws(LaminaError) in
            try database.run("SELECT \(Self.segmentColumns) FROM druid_segments\(rest) ORDER BY id", values)
        }
        return rows.map(Self.segment)
    }

    package func segment(id: String) throws(LaminaError) -> SegmentRecord? {
        let rows = try access { database throws(LaminaError) in
            try database.run("SELECT \(Self.segmentColumns) FROM druid_segments WHERE id = ?", [.text(id)])
        }
        return rows.first.map(Self.segment)
    }

    /// Publishes segments in one transaction, together with an optional commit of stream offsets.
    ///
    /// - Parameter check: run first, inside the transaction; throws to stop it (lock revoked, task killed).
    package func publish(
        _ segments: [SegmentRecord],
        commit: DataSourceCommit? = nil,
        at now: String,
        check: () throws(LaminaError) -> Void = {}
    ) throws(LaminaError) {
        var change = SegmentChange()
        change.published = segments
        change.commit = commit
        try apply(change, at: now, check: check)
    }

    /// Does all of a change or, after an error, nothing of it.
    ///
    /// - Errors: `conflict` when the commit's expectation does not hold.
    package func apply(
        _ change: SegmentChange,
        at now: String,
        check: () throws(LaminaError) -> Void = {}
    ) throws(LaminaError) {
        try transaction { database throws(LaminaError) in
            try check()
            if let commit = change.commit { try Self.apply(commit, at: now, to: database) }
            for segment in change.published {
                try database.run(
                    "INSERT OR IGNORE INTO druid_segments (\(Self.segmentColumns)) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                    [
                        .text(segment.id), .text(segment.dataSource), .text(segment.start), .text(segment.end),
                        SQLValue(segment.partitioned), .text(segment.version), SQLValue(segment.used),
                        .text(segment.createdDate), .text(segment.usedStatusLastUpdated), .blob(segment.payload),
                        SQLValue(segment.upgradedFrom),
                    ]
                )
            }
            _ = try Self.mark(change.used, used: true, at: now, in: database)
            _ = try Self.mark(change.unused, used: false, at: now, in: database)
            for pending in change.allocated { try Self.insert(pending, into: database) }
            for id in change.settled {
                try database.run("DELETE FROM druid_pendingSegments WHERE id = ?", [.text(id)])
            }
        }
    }

    private static func apply(_ commit: DataSourceCommit, at now: String, to database: Database) throws(LaminaError) {
        if let expected = commit.expectedSHA1 {
            try database.run(
                """
                UPDATE druid_dataSource SET commit_metadata_payload = ?, commit_metadata_sha1 = ?
                WHERE dataSource = ? AND commit_metadata_sha1 = ?
                """,
                [.blob(commit.payload), .text(commit.sha1), .text(commit.dataSource), .text(expected)]
            )
        } else {
            try database.run(
                "INSERT OR IGNORE INTO druid_dataSource VALUES (?,?,?,?)",
                [.text(commit.dataSource), .text(now), .blob(commit.payload), .text(commit.sha1)]
            )
        }
        guard database.changes == 1 else {
            throw LaminaError(
                .conflict,
                code: "commitConflict",
                "The stored commit metadata of \(commit.dataSource) is not the expected one: another task committed first"
            )
        }
    }

    /// Sets the used flag of segments; returns how many changed.
    package func mark(ids: [String], used: Bool, at now: String) throws(LaminaError) -> Int {
        try transaction { database throws(LaminaError) in try Self.mark(ids, used: used, at: now, in: database) }
    }

    private static func mark(
        _ ids: [String],
        used: Bool,
        at now: String,
        in database: Database
    ) throws(LaminaError) -> Int {
        var changed = 0
        for id in ids {
            try database.run(
                "UPDATE druid_segments SET used = ?, used_status_last_updated = ? WHERE id = ? AND used <> ?",
                [SQLValue(used), .text(now), .text(id), SQLValue(used)]
            )
            changed += database.changes
        }
        return changed
    }

    /// Forgets unused segments for good (the `kill` task), in one transaction; their files are the caller's to remove.
    /// - Returns: those that were there and unused.
    package func deleteUnusedSegments(ids: [String]) throws(LaminaError) -> [String] {
        try transaction { database throws(LaminaError) in
            var gone: [String] = []
            for id in ids {
                try database.run("DELETE FROM druid_segments WHERE id = ? AND used = ?", [.text(id), SQLValue(false)])
                if database.changes > 0 { gone.append(id) }
            }
            return gone
        }
    }

    /// Which of these load paths belong to stored segments of a datasource, used or not: one folder may serve several ids.
    package func storedPaths(_ paths: Set<String>, dataSource: String) throws(LaminaError) -> Set<String> {
        if paths.isEmpty { return [] }
        let rows = try access { database throws(LaminaError) in
            try database.run(
                """
                SELECT DISTINCT json_extract(CAST(payload AS TEXT), '$.loadSpec.path') FROM druid_segments
                WHERE dataSource = ? AND json_valid(CAST(payload AS TEXT))
                """,
                [.text(dataSource)]
            )
        }
        return Set(rows.compactMap { $0.first?.text }).intersection(paths)
    }

    /// The commit metadata of a datasource: payload and its SHA-1.
    package func commitMetadata(dataSource: String) throws(LaminaError) -> (payload: [UInt8], sha1: String)? {
        let rows = try access { database throws(LaminaError) in
            try database.run(
                "SELECT commit_metadata_payload, commit_metadata_sha1 FROM druid_dataSource WHERE dataSource = ?",
                [.text(dataSource)]
            )
        }
        return rows.first.map { (Array(($0[0].text ?? "").utf8), $0[1].text ?? "") }
    }

    /// Forgets the commit metadata of a datasource.
    /// - Returns: whether there was some.
    package func deleteCommitMetadata(dataSource: String) throws(LaminaError) -> Bool {
        try access { database throws(LaminaError) in
            try database.run("DELETE FROM druid_dataSource WHERE dataSource = ?", [.text(dataSource)])
            return database.changes > 0
        }
    }
}
