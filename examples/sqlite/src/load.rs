//! The progress of each table, in a table of the same database.

use anyhow::Result;
use rowfeed::Cursor;
use rusqlite::{Connection, OptionalExtension as _, params};

/// A table that is being loaded.
pub(crate) struct Load {
    pub(crate) sql: String,
    pub(crate) run_id: String,
    /// The place after the last row in the table; `None` before the first page.
    pub(crate) cursor: Option<Cursor>,
}

impl Load {
    /// The load that was started before and is not complete, if any.
    pub(crate) fn begun(db: &Connection, table: &str) -> Result<Option<Self>> {
        db.execute_batch(
            "CREATE TABLE IF NOT EXISTS rowfeed_loads \
             (name TEXT PRIMARY KEY, sql TEXT NOT NULL, run_id TEXT NOT NULL, cursor TEXT) STRICT",
        )?;
        let sql = "SELECT sql, run_id, cursor FROM rowfeed_loads WHERE name = ?1";
        let found = db.query_row(sql, [table], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<String>>(2)?))
        });
        let Some((sql, run_id, cursor)) = found.optional()? else {
            return Ok(None);
        };
        let cursor = cursor
            .map(|cursor| serde_json::from_str(&cursor))
            .transpose()?;
        Ok(Some(Self {
            sql,
            run_id,
            cursor,
        }))
    }

    pub(crate) fn begin(db: &Connection, table: &str, sql: &str, run_id: &str) -> Result<Self> {
        let insert = "INSERT INTO rowfeed_loads (name, sql, run_id) VALUES (?1, ?2, ?3)";
        db.execute(insert, params![table, sql, run_id])?;
        Ok(Self {
            sql: sql.to_owned(),
            run_id: run_id.to_owned(),
            cursor: None,
        })
    }

    /// Call this in the transaction that inserts the rows before the cursor.
    pub(crate) fn advance(db: &Connection, table: &str, cursor: &Cursor) -> Result<()> {
        let update = "UPDATE rowfeed_loads SET cursor = ?2 WHERE name = ?1";
        db.execute(update, params![table, serde_json::to_string(cursor)?])?;
        Ok(())
    }

    pub(crate) fn end(db: &Connection, table: &str) -> Result<()> {
        db.execute("DELETE FROM rowfeed_loads WHERE name = ?1", [table])?;
        Ok(())
    }
}
