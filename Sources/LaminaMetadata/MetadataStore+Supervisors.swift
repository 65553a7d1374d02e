package import LaminaBase

/// One row of `druid_supervisors`: a version of a supervisor's spec.
package struct SupervisorRecord: Sendable, Hashable {
    package var specID: String
    package var createdDate: String
    package var payload: [UInt8]

    package init(specID: String, createdDate: String, payload: [UInt8]) {
        self.specID = specID
        self.createdDate = createdDate
        self.payload = payload
    }
}

extension MetadataStore {
    /// Adds a version of a supervisor's spec; older ones stay as its history.
    package func insert(_ supervisor: SupervisorRecord) throws(LaminaError) {
        try access { database throws(LaminaError) in
            try database.run(
                "INSERT INTO druid_supervisors (spec_id, created_date, payload) VALUES (?,?,?)",
                [.text(supervisor.specID), .text(supervisor.createdDate), .blob(supervisor.payload)]
            )
            return ()
        }
    }

    /// The newest version of every supervisor's spec, by id.
    package func supervisors() throws(LaminaError) -> [SupervisorRecord] {
        try supervisorRows(
            """
            SELECT spec_id, created_date, payload FROM druid_supervisors
            WHERE id IN (SELECT MAX(id) FROM druid_supervisors GROUP BY spec_id) ORDER BY spec_id
            """
        )
    }

    /// All versions of supervisors' specs, newest first; of one supervisor when asked for.
    package func supervisorHistory(_ specID: String? = nil) throws(LaminaError) -> [SupervisorRecord] {
        let columns = "SELECT spec_id, created_date, payload FROM druid_supervisors"
        guard let specID else { return try supervisorRows(columns + " ORDER BY id DESC") }
        return try supervisorRows(columns + " WHERE spec_id = ? ORDER BY id DESC", [.text(specID)])
    }

    private func supervisorRows(_ sql: String, _ values: [SQLValue] = []) throws(LaminaError) -> [SupervisorRecord] {
        let rows = try access { database throws(LaminaError) in try database.run(sql, values) }
        return rows.map {
            SupervisorRecord(
                specID: $0[0].text ?? "",
                createdDate: $0[1].text ?? "",
                payload: Array(($0[2].text ?? "").utf8)
            )
        }
    }
}
