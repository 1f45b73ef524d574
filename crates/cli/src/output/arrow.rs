//! Rows as Arrow record batches, with the requested columns and types.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use rowfeed::{Columns, Cursor, Pages};
use rowfeed_arrow::{ColumnsExt as _, RecordBatches, RecordBatchesExt as _};

use super::text::no_column;
use crate::{
    args::TypeOverride,
    error::{Failure, Kind, Result},
};

/// Record batches of a result, of one schema.
pub(crate) struct Batches {
    batches: RecordBatches,
    selected: Vec<String>,
    schema: Option<SchemaRef>,
}

impl Batches {
    pub(crate) fn new(pages: Pages, columns: &[String], types: &[TypeOverride]) -> Self {
        let mut batches = pages.record_batches();
        for change in types {
            batches = batches.column_type(&change.column, change.data_type.clone());
        }
        Self {
            batches,
            selected: columns.to_vec(),
            schema: None,
        }
    }

    /// The next batch; a result without rows has one that tells the schema.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.batches.try_next().await? else {
            return Ok(None);
        };
        if self.selected.is_empty() {
            return Ok(Some(batch));
        }
        let schema = batch.schema();
        let places = self.selected.iter().map(|name| {
            schema.index_of(name).map_err(|_| {
                let names: Vec<&String> =
                    schema.fields().iter().map(|field| field.name()).collect();
                no_column(name, &names)
            })
        });
        let places = places.collect::<Result<Vec<_>>>()?;
        let batch = batch.project(&places).map_err(|error| {
            Failure::new(
                Kind::Data,
                format!("the columns cannot be selected: {error}"),
            )
        })?;
        // One schema for all batches, so that it is compared by its address.
        let schema = self.schema.get_or_insert_with(|| batch.schema()).clone();
        batch
            .with_schema(schema)
            .map(Some)
            .map_err(|error| Failure::new(Kind::Data, error.to_string()))
    }

    /// The place after the last batch.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        self.batches.cursor()
    }
}

/// The names of the types of Arrow that the columns become.
pub(crate) fn arrow_type_names(columns: &Columns) -> Vec<String> {
    let schema: Arc<Schema> = columns.arrow_schema();
    schema
        .fields()
        .iter()
        .map(|field| field.data_type().to_string())
        .collect()
}
