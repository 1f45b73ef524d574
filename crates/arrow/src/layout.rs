//! What the batches of a result look like: which column goes where, and as what.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use rowfeed_rows::{
    DecodeErrorKind,
    cells::{CellText, CellVisitor},
};
use serde::de::Deserializer;

use crate::{
    builder::{Builder, Misfit},
    schema,
};
use rowfeed::{
    Columns, DecodeError, Error, ErrorKind,
    source::{ColumnType, LogicalType},
};

const NULL_ADVICE: &str = "there should be no NULL here: take a schema in which it may be, or \
     keep NULL out of this column in the query";
const UNREPRESENTABLE_ADVICE: &str = "Yandex Query sends null in place of a value that it cannot \
     write as JSON, so the value is lost: cast it in the query (a Uuid with `CAST(… AS Utf8)`), or \
     take a schema in which the column may be NULL to do without it";

/// No column is given more room than this in advance, in bytes.
const MOST_ROOM: usize = 64 * 1024 * 1024;

/// What the user wants of the batches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) schema: Option<SchemaRef>,
    pub(crate) types: Vec<(String, DataType)>,
}

/// How the columns of a result become those of batches.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) schema: SchemaRef,
    /// The columns as the result declares them.
    declared: Columns,
    /// The same, and behind them those that only the schema knows of.
    pub(crate) columns: Columns,
    /// Which field each column is.
    places: Vec<Option<usize>>,
    /// What each field is read from.
    types: Vec<ColumnType>,
    /// Whether only some of the cells are requested.
    is_chosen: bool,
    /// How many bytes of text or bytes 1024 rows of each field had in the last batch.
    text_sizes: Vec<AtomicUsize>,
}

impl Wishes {
    /// The schema, if it does not depend on what the result declares.
    pub(crate) fn known_schema(&self) -> Option<SchemaRef> {
        let schema = self.schema.as_ref()?;
        let has_all = |(name, _): &(String, DataType)| schema.field_with_name(name).is_ok();
        (self.types.iter().all(has_all)).then(|| self.apply(schema))
    }

    /// The schema with the types that are requested.
    fn apply(&self, schema: &SchemaRef) -> SchemaRef {
        if self.types.is_empty() {
            return schema.clone();
        }
        let fields = schema.fields().iter().map(|field| {
            match self.types.iter().rfind(|(name, _)| name == field.name()) {
                Some((_, data_type)) => Arc::new(schema::with_type(field, data_type.clone())),
                None => field.clone(),
            }
        });
        let fields: Vec<_> = fields.collect();
        Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
    }

    pub(crate) fn layout(
        &self,
        service: &'static str,
        declared: &Columns,
    ) -> Result<Layout, Error> {
        let refuse = |message: String| Error::new(ErrorKind::InvalidRequest, service, message);
        let names = || {
            declared
                .iter()
                .map(rowfeed::Column::name)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let schema = match &self.schema {
            Some(schema) => self.apply(schema),
            None if declared.is_empty() => {
                return Err(refuse(
                    "the result does not declare its columns, so there is no schema: give one \
                     with with_schema()"
                        .to_owned(),
                ));
            }
            None => self.apply(&schema::of(declared)),
        };
        for (name, _) in &self.types {
            if schema.field_with_name(name).is_err() {
                return Err(refuse(format!(
                    "column_type() names the column `{name}`, which the result does not have; the columns are: {}",
                    names()
                )));
            }
        }
        let fields = schema.fields().iter().map(|field| field.name().as_str());
        let columns = match &self.schema {
            Some(_) if declared.is_by_name() => declared.with_undeclared(fields),
            _ => declared.clone(),
        };
        let mut places = vec![None; columns.len()];
        let mut types = Vec::with_capacity(schema.fields().len());
        for (place, field) in schema.fields().iter().enumerate() {
            let column = match self.schema {
                Some(_) => columns.position(field.name()),
                None => Some(place),
            };
            let Some(column) = column else {
                return Err(refuse(format!(
                    "the schema has a column `{}`, and the result has none; it has: {}",
                    field.name(),
                    names()
                )));
            };
            let by_name = columns.position(field.name());
            if places[column].is_some() || (columns.is_by_name() && by_name != Some(column)) {
                return Err(refuse(format!(
                    "there are two columns `{}`, which cannot be told apart: rename one in the \
                     query",
                    field.name()
                )));
            }
            places[column] = Some(place);
            let column = columns.iter().nth(column);
            let declared = match column {
                Some(column) => self.read_as(field, column.column_type()),
                None => ColumnType::undeclared(),
            };
            if let Err(Misfit) = Builder::new(field, &declared, 0) {
                let declared = column.and_then(rowfeed::Column::type_name);
                return Err(refuse(format!(
                    "the column `{}` is declared as {} and cannot be read as {}: ask for another \
                     type, such as Utf8",
                    field.name(),
                    declared.unwrap_or("nothing"),
                    field.data_type(),
                )));
            }
            types.push(declared);
        }
        Ok(Layout {
            is_chosen: self.schema.is_some(),
            text_sizes: types.iter().map(|_| AtomicUsize::new(0)).collect(),
            schema,
            declared: declared.clone(),
            columns,
            places,
            types,
        })
    }

    /// The type that a field is read from. A column of any numbers that is read as a float on
    /// request gives the nearest one.
    fn read_as(&self, field: &Field, declared: &ColumnType) -> ColumnType {
        let is_asked_for = self.types.iter().any(|(name, _)| name == field.name());
        match declared.logical() {
            LogicalType::Number if is_asked_for => ColumnType::float64(),
            _ => declared.clone(),
        }
    }
}

impl Layout {
    /// Whether a page has the columns that this was made for.
    pub(crate) fn is_of(&self, columns: &Columns) -> bool {
        let declared = self.declared.iter();
        columns.are_declared_by(declared.map(|column| (column.name(), column.type_name())))
    }

    /// An empty batch, with room for so many rows.
    pub(crate) fn batch(self: &Arc<Self>, rows: usize) -> Batch {
        let fields = self.schema.fields().iter().zip(&self.types);
        let builders = fields
            .zip(&self.text_sizes)
            .filter_map(|(field, text_size)| {
                let (field, declared) = field;
                let mut builder = Builder::new(field, declared, rows).ok()?;
                // A little more than last time, so that what differs needs no second copy.
                let bytes = text_size.load(Ordering::Relaxed).saturating_mul(rows) / 960;
                if bytes > 0 {
                    builder.make_room(rows, bytes.min(MOST_ROOM));
                }
                Some(builder)
            });
        let fields = builders.map(|builder| Filling {
            builder,
            last_row: 0,
        });
        Batch {
            fields: fields.collect(),
            places: self
                .places
                .iter()
                .map(|place| place.unwrap_or(usize::MAX))
                .collect(),
            cells: 0,
            rows: 0,
            layout: Arc::clone(self),
        }
    }
}

/// A batch, while it is made.
#[derive(Debug)]
pub(crate) struct Batch {
    layout: Arc<Layout>,
    fields: Vec<Filling>,
    /// Which field each column is; none at all where there is no such field.
    places: Vec<usize>,
    /// How many cells this row had.
    cells: usize,
    rows: usize,
}

/// A field, while it is filled.
#[derive(Debug)]
struct Filling {
    builder: Builder,
    /// The row, counted from 1, that it had its last cell in.
    last_row: usize,
}

impl Batch {
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn finish(self) -> Result<RecordBatch, ArrowError> {
        for (field, text_size) in self.fields.iter().zip(&self.layout.text_sizes) {
            let size = field.builder.bytes().saturating_mul(1024) / self.rows.max(1);
            text_size.store(size, Ordering::Relaxed);
        }
        let columns = self.fields.into_iter().map(|field| field.builder.finish());
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        RecordBatch::try_new_with_options(self.layout.schema.clone(), columns, &options)
    }

    /// A column that only the schema knows of, and no row.
    pub(crate) fn unknown_column(&self) -> Option<&str> {
        let declared = self.layout.declared.len();
        let mut places = self.layout.places.iter().skip(declared).flatten();
        let place = places.find(|place| self.fields[**place].last_row == 0)?;
        (self.rows > 0).then(|| self.field(*place).name().as_str())
    }

    fn field(&self, place: usize) -> &Field {
        self.layout.schema.field(place)
    }
}

impl CellVisitor for Batch {
    fn wants(&self, column: usize) -> bool {
        self.layout.places[column].is_some()
    }

    #[inline]
    fn take<'a>(&mut self, column: usize, cell: CellText<'a>) -> Option<CellText<'a>> {
        let place = *self.places.get(column)?;
        let row = self.rows + 1;
        let field = self.fields.get_mut(place)?;
        if field.last_row == row {
            return None;
        }
        let behind = field.builder.take(cell)?;
        field.last_row = row;
        self.cells += 1;
        Some(behind)
    }

    #[inline]
    fn visit<'de, D>(&mut self, column: usize, cell: D) -> Result<(), DecodeError>
    where
        D: Deserializer<'de, Error = DecodeError>,
    {
        let Some(place) = self.layout.places[column] else {
            return Ok(());
        };
        let row = self.rows + 1;
        if std::mem::replace(&mut self.fields[place].last_row, row) == row {
            return Err(DecodeError::of_row(
                "the row holds this column twice: rename one in the query",
            ));
        }
        self.cells += 1;
        self.fields[place].builder.append(cell).map_err(|error| {
            let field = self.field(place);
            let name = field.name();
            let way_out = match field.data_type() {
                DataType::Utf8 => String::new(),
                _ => format!(
                    "read the column as another type, for example \
                     `.column_type({name:?}, DataType::Utf8)`"
                ),
            };
            let way_out = Some(&*way_out).filter(|way_out| !way_out.is_empty());
            match error.kind() {
                DecodeErrorKind::Malformed | DecodeErrorKind::Shape => error,
                // Its advice depends on what was sent, which is known only later.
                DecodeErrorKind::Null => error.with_wanted(field.data_type().to_string()),
                _ => error
                    .with_wanted(field.data_type().to_string())
                    .with_advice(way_out),
            }
        })
    }

    fn undeclared(&mut self, name: &str) -> Result<(), DecodeError> {
        match self.layout.is_chosen {
            true => Ok(()),
            false => Err(DecodeError::of_row(format!(
                "the row holds a column `{name}` that the result does not declare: give a schema \
                 with with_schema(), with this column or without it"
            ))),
        }
    }

    fn explain(&self, _column: usize, error: DecodeError) -> DecodeError {
        match error.kind() {
            DecodeErrorKind::Null => error.with_advice(Some(NULL_ADVICE)),
            DecodeErrorKind::Unrepresentable => error.with_advice(Some(UNREPRESENTABLE_ADVICE)),
            _ => error,
        }
    }

    fn end_row(&mut self) -> Result<(), DecodeError> {
        self.rows += 1;
        if self.cells < self.fields.len() {
            for (place, filling) in self.fields.iter_mut().enumerate() {
                if filling.last_row == self.rows {
                    continue;
                }
                let field = self.layout.schema.field(place);
                if !field.is_nullable() {
                    return Err(DecodeError::of_row(format!(
                        "the row lacks the column `{}`, which may not be NULL by the schema",
                        field.name()
                    )));
                }
                filling.builder.push_null();
            }
        }
        self.cells = 0;
        Ok(())
    }
}
