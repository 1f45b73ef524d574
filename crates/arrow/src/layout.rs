//! The layout of a result's batches: the field and the type of each column.

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

const NULL_ADVICE: &str = "NULL is not allowed here: use a schema in which it is, or \
     keep NULL out of this column in the query";
const UNREPRESENTABLE_ADVICE: &str = "Yandex Query sends null in place of a value that it cannot \
     write as JSON, so the value is lost: cast it in the query (a Uuid with `CAST(… AS Utf8)`), or \
     use a schema in which the column may be NULL";

/// The most bytes that are reserved for a column in advance.
const MOST_ROOM: usize = 64 * 1024 * 1024;

/// The settings of the user for the batches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) schema: Option<SchemaRef>,
    pub(crate) types: Vec<(String, DataType)>,
}

/// The mapping from the columns of a result to those of batches.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) schema: SchemaRef,
    /// The columns as the result declares them.
    declared: Columns,
    /// The declared columns, followed by those that only the schema has.
    pub(crate) columns: Columns,
    /// The field of each column.
    places: Vec<Option<usize>>,
    /// The type that each field is read from.
    types: Vec<ColumnType>,
    /// Whether only some of the cells are read.
    is_chosen: bool,
    /// The bytes of text or bytes of each field in 1024 rows of the last batch.
    text_sizes: Vec<AtomicUsize>,
}

impl Wishes {
    /// Returns the schema, if it does not depend on the declared columns.
    pub(crate) fn known_schema(&self) -> Option<SchemaRef> {
        let schema = self.schema.as_ref()?;
        let has_all = |(name, _): &(String, DataType)| schema.field_with_name(name).is_ok();
        (self.types.iter().all(has_all)).then(|| self.apply(schema))
    }

    /// Returns the schema with the types that the user set.
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
                    "the result does not declare its columns, so there is no schema: set one \
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
                    "the schema has a column `{}`, but the result does not; it has: {}",
                    field.name(),
                    names()
                )));
            };
            let by_name = columns.position(field.name());
            if places[column].is_some() || (columns.is_by_name() && by_name != Some(column)) {
                return Err(refuse(format!(
                    "there are two columns `{}`: rename one in the query",
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
                    "the column `{}` is declared as {} and cannot be read as {}: use another \
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

    /// Returns the type that a field is read from. A column of any numbers that the user reads as a
    /// float gives the nearest float.
    fn read_as(&self, field: &Field, declared: &ColumnType) -> ColumnType {
        let is_asked_for = self.types.iter().any(|(name, _)| name == field.name());
        match declared.logical() {
            LogicalType::Number if is_asked_for => ColumnType::float64(),
            _ => declared.clone(),
        }
    }
}

impl Layout {
    /// Returns whether a page has the columns of this layout.
    pub(crate) fn is_of(&self, columns: &Columns) -> bool {
        let declared = self.declared.iter();
        columns.are_declared_by(declared.map(|column| (column.name(), column.type_name())))
    }

    /// Returns an empty batch, with capacity for `rows`.
    pub(crate) fn batch(self: &Arc<Self>, rows: usize) -> Batch {
        let fields = self.schema.fields().iter().zip(&self.types);
        let builders = fields
            .zip(&self.text_sizes)
            .filter_map(|(field, text_size)| {
                let (field, declared) = field;
                let mut builder = Builder::new(field, declared, rows).ok()?;
                // Slightly more than the last batch had, so that small differences cause no
                // reallocation.
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

/// A batch under construction.
#[derive(Debug)]
pub(crate) struct Batch {
    layout: Arc<Layout>,
    fields: Vec<Filling>,
    /// The field of each column, or an invalid index without a field.
    places: Vec<usize>,
    /// The number of cells in this row.
    cells: usize,
    rows: usize,
}

/// A field under construction.
#[derive(Debug)]
struct Filling {
    builder: Builder,
    /// The last row with a cell for this field, counted from 1.
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

    /// Returns a column that only the schema has, and no row.
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
                // The advice depends on the value, which is known only later.
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
                "the row holds a column `{name}` that the result does not declare: set a schema \
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
                        "the row lacks the column `{}`, which the schema does not allow to be NULL",
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
