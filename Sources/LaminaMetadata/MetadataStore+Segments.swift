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
        payload: [UInt8]
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
        "id, dataSource, start, \"end\", partitioned, version, used, created_date, used_status_last_updated, payload"

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
            payload: Array((row[9].text ?? "").utf8)
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
    /// - Parameters:
    ///   - segments: rows to insert; one that is there already with the same id is left as it is.
    ///   - commit: fails the whole publish when another commit came between.
    ///   - check: run first, inside the transaction; throws to stop it (lock revoked, task killed).
    package func publish(
        _ segments: [SegmentRecord],
        commit: DataSourceCommit? = nil,
        at now: String,
        check: () throws(LaminaError) -> Void = {}
    ) throws(LaminaError) {
        try transaction { database throws(LaminaError) in
            try check()
            if let commit { try Self.apply(commit, at: now, to: database) }
            for segment in segments {
                try database.run(
                    "INSERT OR IGNORE INTO druid_segments (\(Self.segmentColumns)) VALUES (?,?,?,?,?,?,?,?,?,?)",
                    [
                        .text(segment.id), .text(segment.dataSource), .text(segment.start), .text(segment.end),
                        SQLValue(segment.partitioned), .text(segment.version), SQLValue(segment.used),
                        .text(segment.createdDate), .text(segment.usedStatusLastUpdated), .blob(segment.payload),
                    ]
                )
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
        try transaction { database throws(LaminaError) in
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
}
