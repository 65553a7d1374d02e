package import LaminaBase

/// One row of `druid_audit`.
package struct AuditRecord: Sendable, Hashable {
    package var key: String
    package var type: String
    package var author: String
    package var comment: String
    package var createdDate: String
    package var payload: [UInt8]

    package init(key: String, type: String, author: String, comment: String, createdDate: String, payload: [UInt8]) {
        self.key = key
        self.type = type
        self.author = author
        self.comment = comment
        self.createdDate = createdDate
        self.payload = payload
    }
}

extension MetadataStore {
    /// A value of `druid_config` (`lookupsConfig`, `coordinator.config`, …).
    package func config(_ name: String) throws(LaminaError) -> [UInt8]? {
        let rows = try access { database throws(LaminaError) in
            try database.run("SELECT payload FROM druid_config WHERE name = ?", [.text(name)])
        }
        return rows.first.map { Array(($0[0].text ?? "").utf8) }
    }

    /// Sets a value of `druid_config`.
    package func setConfig(_ name: String, _ payload: [UInt8]) throws(LaminaError) {
        try access { database throws(LaminaError) in
            try database.run(
                "INSERT INTO druid_config VALUES (?,?) ON CONFLICT(name) DO UPDATE SET payload = excluded.payload",
                [.text(name), .blob(payload)]
            )
            return ()
        }
    }

    /// The newest rules of every datasource that has some, as JSON lists.
    package func rules() throws(LaminaError) -> [String: [UInt8]] {
        let rows = try access { database throws(LaminaError) in
            try database.run("SELECT dataSource, payload FROM druid_rules ORDER BY dataSource, version")
        }
        var newest: [String: [UInt8]] = [:]
        for row in rows { newest[row[0].text ?? ""] = Array((row[1].text ?? "").utf8) }
        return newest
    }

    /// Replaces a datasource's rules and records who did it, in one transaction.
    package func setRules(dataSource: String, payload: [UInt8], audit: AuditRecord) throws(LaminaError) {
        try transaction { database throws(LaminaError) in
            try database.run(
                "INSERT OR REPLACE INTO druid_rules VALUES (?,?,?,?)",
                [
                    .text("\(dataSource)_\(audit.createdDate)"), .text(dataSource), .text(audit.createdDate),
                    .blob(payload),
                ]
            )
            try Self.insert(audit, into: database)
        }
    }

    package func insert(_ audit: AuditRecord) throws(LaminaError) {
        try access { database throws(LaminaError) in try Self.insert(audit, into: database) }
    }

    private static func insert(_ audit: AuditRecord, into database: Database) throws(LaminaError) {
        try database.run(
            "INSERT INTO druid_audit (audit_key, type, author, comment, created_date, payload) VALUES (?,?,?,?,?,?)",
            [
                .text(audit.key), .text(audit.type), .text(audit.author), .text(audit.comment),
                .text(audit.createdDate), .blob(audit.payload),
            ]
        )
    }

    /// Audit entries of one type, newest first.
    package func audit(type: String, key: String? = nil, limit: Int = 25) throws(LaminaError) -> [AuditRecord] {
        let filter = key == nil ? "" : " AND audit_key = ?"
        let values: [SQLValue] = [.text(type)] + (key.map { [.text($0)] } ?? []) + [.int(Int64(limit))]
        let rows = try access { database throws(LaminaError) in
            try database.run(
                """
                SELECT audit_key, type, author, comment, created_date, payload FROM druid_audit
                WHERE type = ?\(filter) ORDER BY id DESC LIMIT ?
                """,
                values
            )
        }
        return rows.map {
            AuditRecord(
                key: $0[0].text ?? "",
                type: $0[1].text ?? "",
                author: $0[2].text ?? "",
                comment: $0[3].text ?? "",
                createdDate: $0[4].text ?? "",
                payload: Array(($0[5].text ?? "").utf8)
            )
        }
    }
}
