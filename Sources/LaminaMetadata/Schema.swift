/// Druid's metadata tables, column for column, in SQLite's types (druid-surface 14; `SQLMetadataConnector`).
///
/// Dates are ISO text; payloads are UTF-8 JSON blobs. Every statement is harmless when the table is there already.
let schemaStatements = [
    """
    CREATE TABLE IF NOT EXISTS druid_segments (
      id VARCHAR(255) NOT NULL PRIMARY KEY, dataSource VARCHAR(255) NOT NULL, created_date VARCHAR(255) NOT NULL,
      start VARCHAR(255) NOT NULL, "end" VARCHAR(255) NOT NULL, partitioned BOOLEAN NOT NULL, version VARCHAR(255) NOT NULL,
      used BOOLEAN NOT NULL, payload BLOB NOT NULL, used_status_last_updated VARCHAR(255) NOT NULL,
      upgraded_from_segment_id VARCHAR(255))
    """,
    "CREATE INDEX IF NOT EXISTS idx_druid_segments_used ON druid_segments(used)",
    """
    CREATE INDEX IF NOT EXISTS idx_druid_segments_datasource_used_end_start
      ON druid_segments(dataSource, used, "end", start)
    """,
    """
    CREATE TABLE IF NOT EXISTS druid_dataSource (
      dataSource VARCHAR(255) NOT NULL PRIMARY KEY, created_date VARCHAR(255) NOT NULL,
      commit_metadata_payload BLOB NOT NULL, commit_metadata_sha1 VARCHAR(255) NOT NULL)
    """,
    """
    CREATE TABLE IF NOT EXISTS druid_pendingSegments (
      id VARCHAR(255) NOT NULL PRIMARY KEY, dataSource VARCHAR(255) NOT NULL, created_date VARCHAR(255) NOT NULL,
      start VARCHAR(255) NOT NULL, "end" VARCHAR(255) NOT NULL, sequence_name VARCHAR(255) NOT NULL,
      sequence_prev_id VARCHAR(255) NOT NULL, sequence_name_prev_id_sha1 VARCHAR(255) NOT NULL UNIQUE,
      payload BLOB NOT NULL, upgraded_from_segment_id VARCHAR(255), task_allocator_id VARCHAR(255))
    """,
    """
    CREATE TABLE IF NOT EXISTS druid_upgradeSegments (
      id INTEGER PRIMARY KEY AUTOINCREMENT, task_id VARCHAR(255) NOT NULL, segment_id VARCHAR(255) NOT NULL,
      lock_version VARCHAR(255) NOT NULL)
    """,
    """
    CREATE TABLE IF NOT EXISTS druid_rules (
      id VARCHAR(255) NOT NULL PRIMARY KEY, dataSource VARCHAR(255) NOT NULL, version VARCHAR(255) NOT NULL,
      payload BLOB NOT NULL)
    """,
    "CREATE TABLE IF NOT EXISTS druid_config (name VARCHAR(255) NOT NULL PRIMARY KEY, payload BLOB NOT NULL)",
    """
    CREATE TABLE IF NOT EXISTS druid_tasks (
      id VARCHAR(255) NOT NULL PRIMARY KEY, created_date VARCHAR(255) NOT NULL, datasource VARCHAR(255) NOT NULL,
      payload BLOB NOT NULL, status_payload BLOB NOT NULL, active BOOLEAN NOT NULL DEFAULT 0,
      type VARCHAR(255), group_id VARCHAR(255))
    """,
    "CREATE INDEX IF NOT EXISTS idx_druid_tasks_active_created_date ON druid_tasks(active, created_date)",
    """
    CREATE TABLE IF NOT EXISTS druid_tasklocks (
      id INTEGER PRIMARY KEY AUTOINCREMENT, task_id VARCHAR(255) NOT NULL, lock_payload BLOB NOT NULL)
    """,
    "CREATE INDEX IF NOT EXISTS idx_druid_tasklocks_task_id ON druid_tasklocks(task_id)",
    """
    CREATE TABLE IF NOT EXISTS druid_supervisors (
      id INTEGER PRIMARY KEY AUTOINCREMENT, spec_id VARCHAR(255) NOT NULL, created_date VARCHAR(255) NOT NULL,
      payload BLOB NOT NULL)
    """,
    "CREATE INDEX IF NOT EXISTS idx_druid_supervisors_spec_id ON druid_supervisors(spec_id)",
    """
    CREATE TABLE IF NOT EXISTS druid_audit (
      id INTEGER PRIMARY KEY AUTOINCREMENT, audit_key VARCHAR(255) NOT NULL, type VARCHAR(255) NOT NULL,
      author VARCHAR(255) NOT NULL, comment VARCHAR(2048) NOT NULL, created_date VARCHAR(255) NOT NULL,
      payload BLOB NOT NULL)
    """,
]
