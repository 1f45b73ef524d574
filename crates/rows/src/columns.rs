//! The columns of a result, as the service declares them.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, OnceLock},
};

use crate::{
    decode::layout_cache::LayoutCache,
    error::DecodeError,
    field,
    types::{ColumnKind, ColumnType, UNDECLARED, lightdash, trino, yql},
};

/// One column of a result.
///
/// ```
/// use rowfeed_rows::{ColumnKind, Columns, LogicalType};
///
/// let columns = [("trade_id", "Int64"), ("amount_usd", "Optional<Double>")];
/// let columns = Columns::yandex_query(columns);
/// for column in &columns {
///     let declared = column.type_name().unwrap_or("not declared");
///     println!("{}: {:?} ({declared})", column.name(), column.kind());
/// }
/// let amount = columns.get("amount_usd").expect("it is the second");
/// assert_eq!((amount.kind(), amount.is_nullable()), (ColumnKind::Float, Some(true)));
/// assert_eq!(amount.column_type().logical(), &LogicalType::Float { bits: 64 });
/// ```
#[derive(Clone, Debug)]
pub struct Column {
    name: Box<str>,
    type_name: Option<Box<str>>,
    pub(crate) declared: ColumnType,
    /// Whether the name contains nothing that JSON escapes.
    pub(crate) plain: bool,
    /// Yandex Query: `null` is not a NULL here but a value that could not be sent.
    pub(crate) null_is_lost: bool,
}

impl Column {
    fn new(name: &str, type_name: Option<&str>, declared: ColumnType) -> Self {
        Self {
            name: name.into(),
            type_name: type_name.map(Into::into),
            declared,
            plain: !name.contains(['"', '\\']),
            null_is_lost: false,
        }
    }

    /// Adds the column to the error of a cell.
    #[cold]
    pub(crate) fn blame(&self, error: DecodeError, sent: &str) -> DecodeError {
        error
            .at_column(&self.name, self.type_name(), sent, self.null_is_lost)
            .or_advice(|| field::advice(&self.declared, sent))
    }

    /// Returns the name, as sent.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the declared type as the service spells it: `decimal(38, 0)`, `number`,
    /// `Optional<Int64>`. Dune results from before October 2024 have none.
    pub fn type_name(&self) -> Option<&str> {
        self.type_name.as_deref()
    }

    /// Returns the declared type, with its width, precision, time zone and nested types.
    pub fn column_type(&self) -> &ColumnType {
        &self.declared
    }

    /// Returns the general kind of the declared type.
    pub fn kind(&self) -> ColumnKind {
        self.declared.kind()
    }

    /// Returns whether the declared type allows NULL; `None` if the service does not say. Only
    /// Yandex Query does: a type that is not `Optional` does not allow NULL, except for `Void`,
    /// `Null` and Pg types.
    pub fn is_nullable(&self) -> Option<bool> {
        self.declared.is_nullable()
    }
}

/// The columns of a result, in order. Clones are cheap.
///
/// ```
/// use rowfeed_rows::{Column, ColumnKind, Columns};
///
/// let names = ["trade_id", "project"];
/// let types = ["bigint", "varchar"];
/// let columns = Columns::dune(&names, &types);
/// let names: Vec<_> = columns.iter().map(Column::name).collect();
/// assert_eq!(names, ["trade_id", "project"]);
/// assert_eq!(columns.get("project").map(Column::kind), Some(ColumnKind::Text));
/// assert_eq!(columns.position("amount_usd"), None);
/// ```
#[derive(Clone)]
pub struct Columns(Arc<Inner>);

struct Inner {
    shape: Shape,
    columns: Vec<Column>,
    /// An index of many columns, built when one is looked up.
    by_name: OnceLock<HashMap<Box<str>, usize>>,
    /// How the rows of the last page were laid out, unless a page is being decoded.
    layout: Mutex<LayoutCache>,
}

/// Up to this number of columns, a linear search is faster than a hash.
const FEW: usize = 16;

/// How a service spells its types and writes its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Dune,
    Lightdash(Cells),
    YandexQuery,
}

impl Encoding {
    pub(crate) fn columns<'a>(
        self,
        declared: impl Iterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Columns {
        let columns = declared.map(|(name, type_name)| self.column(name, type_name));
        let shape = match self {
            Self::Dune => Shape::Object,
            Self::Lightdash(cells) => Shape::Cells(cells),
            Self::YandexQuery => Shape::List,
        };
        Columns::new(shape, columns.collect())
    }

    fn column(self, name: &str, type_name: Option<&str>) -> Column {
        let (declared, null_is_lost) = match (self, type_name) {
            (_, None) => (UNDECLARED.clone(), false),
            (Self::Dune, Some(text)) => (trino::parse(text), false),
            (Self::Lightdash(Cells::Raw), Some(text)) => (lightdash::parse(text), false),
            (Self::Lightdash(Cells::Formatted), Some(_)) => (ColumnType::text(), false),
            (Self::YandexQuery, Some(text)) => yql::column(text),
        };
        Column {
            null_is_lost,
            ..Column::new(name, type_name, declared)
        }
    }
}

/// The form in which a service writes a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Dune: an object of values.
    Object,
    /// Lightdash: an object of objects that hold each value in two forms.
    Cells(Cells),
    /// Yandex Query: a list of values.
    List,
}

/// The form of a Lightdash value to read.
///
/// ```
/// use rowfeed_rows::{Cells, Columns, RawRows};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rows = RawRows::from_json(
///     r#"[{"usd": {"value": {"raw": 1234.5, "formatted": "$1,234.50"}}}]"#,
/// )?;
/// let columns = [("usd", "number")];
/// let raw = Columns::lightdash(columns, Cells::Raw);
/// let formatted = Columns::lightdash(columns, Cells::Formatted);
/// assert_eq!(rows.decode::<f64>(&raw).next().ok_or("no row")??, 1234.5);
/// assert_eq!(rows.decode::<String>(&formatted).next().ok_or("no row")??, "$1,234.50");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cells {
    /// The value as the warehouse returned it. Use it for computations.
    #[default]
    Raw,
    /// The value as Lightdash shows it: always text, dependent on locale and format. NULL stays
    /// NULL (Lightdash shows it as `∅`).
    Formatted,
}

/// Names and declared types: `trade_id bigint, project varchar`.
///
/// ```
/// use rowfeed_rows::Columns;
///
/// let columns = Columns::dune(["trade_id", "note"], ["bigint"]);
/// assert_eq!(columns.to_string(), "trade_id bigint, note (undeclared)");
/// ```
impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, column) in self.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            let type_name = column.type_name().unwrap_or("(undeclared)");
            write!(f, "{comma}{} {type_name}", column.name())?;
        }
        Ok(())
    }
}

impl Columns {
    /// Returns the columns of a Dune result, from `column_names` and `column_types` of its
    /// metadata. A type without a name is ignored. A name without a type is an undeclared column.
    ///
    /// ```
    /// use rowfeed_rows::Columns;
    ///
    /// let names = ["hash", "value"];
    /// let types = ["varbinary", "uint256"];
    /// let columns = Columns::dune(&names, &types);
    /// assert_eq!(columns.len(), 2);
    /// ```
    pub fn dune<N, T>(
        names: impl IntoIterator<Item = N>,
        types: impl IntoIterator<Item = T>,
    ) -> Self
    where
        N: AsRef<str>,
        T: AsRef<str>,
    {
        let mut types = types.into_iter();
        let columns = names.into_iter().map(|name| {
            let type_name = types.next();
            let type_name = type_name.as_ref().map(AsRef::as_ref);
            Encoding::Dune.column(name.as_ref(), type_name)
        });
        Self::new(Shape::Object, columns.collect())
    }

    /// Returns the columns of a Lightdash result, from the names and types in `columns`, in the
    /// order in which they were sent. `cells` is the form of the values to read.
    ///
    /// ```
    /// use rowfeed_rows::{Cells, Columns};
    ///
    /// let columns = [("orders_status", "string"), ("orders_count", "number")];
    /// let columns = Columns::lightdash(columns, Cells::Raw);
    /// assert_eq!(columns.position("orders_count"), Some(1));
    /// ```
    pub fn lightdash<N, T>(columns: impl IntoIterator<Item = (N, T)>, cells: Cells) -> Self
    where
        N: AsRef<str>,
        T: AsRef<str>,
    {
        let columns = columns.into_iter().map(|(name, type_name)| {
            Encoding::Lightdash(cells).column(name.as_ref(), Some(type_name.as_ref()))
        });
        Self::new(Shape::Cells(cells), columns.collect())
    }

    /// Returns the columns of a Yandex Query result, from the names and type strings in `columns`.
    /// A type string that cannot be parsed is no error: the type of its column is unknown.
    ///
    /// The service cannot write some values as JSON: every `Uuid`, and text that is not UTF-8. It
    /// sends `null` instead, which is an error unless the field is an `Option`. An `Optional<Uuid>`
    /// looks like NULL in any case. Cast such columns in the query (`CAST(id AS Utf8)`).
    ///
    /// ```
    /// use rowfeed_rows::{ColumnKind, Columns};
    ///
    /// let columns = [("id", "Int64"), ("tags", "Optional<List<Utf8>>")];
    /// let columns = Columns::yandex_query(columns);
    /// assert_eq!(columns.get("tags").map(|tags| tags.kind()), Some(ColumnKind::List));
    /// ```
    pub fn yandex_query<N, T>(columns: impl IntoIterator<Item = (N, T)>) -> Self
    where
        N: AsRef<str>,
        T: AsRef<str>,
    {
        let columns = columns.into_iter().map(|(name, type_name)| {
            Encoding::YandexQuery.column(name.as_ref(), Some(type_name.as_ref()))
        });
        Self::new(Shape::List, columns.collect())
    }

    /// Returns these columns, followed by undeclared columns for the other names in `names`.
    #[must_use]
    pub fn with_undeclared<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let missing = names
            .into_iter()
            .filter(|name| self.position(name).is_none());
        let missing = missing.map(|name| Column::new(name, None, ColumnType::undeclared()));
        let columns = self.iter().cloned().chain(missing).collect();
        Self::new(self.shape(), columns)
    }

    /// Returns whether the cells of a row are found by the names of their columns, not by position.
    #[must_use]
    pub fn is_by_name(&self) -> bool {
        self.shape() != Shape::List
    }

    /// Returns whether the columns have these names and declared types, in this order.
    pub fn are_declared_by<'a>(
        &self,
        mut declared: impl Iterator<Item = (&'a str, Option<&'a str>)>,
    ) -> bool {
        let same = |column: &Column| declared.next() == Some((column.name(), column.type_name()));
        self.iter().all(same) && declared.next().is_none()
    }

    /// Returns the columns of another service, whose rows are objects. Each column has its name,
    /// its type as the service spells it, and the meaning of that type.
    pub fn objects<N, T>(columns: impl IntoIterator<Item = (N, T, ColumnType)>) -> Self
    where
        N: AsRef<str>,
        T: AsRef<str>,
    {
        Self::other(Shape::Object, columns)
    }

    /// Returns the columns of another service, whose rows are lists of values in the order of the
    /// columns.
    pub fn lists<N, T>(columns: impl IntoIterator<Item = (N, T, ColumnType)>) -> Self
    where
        N: AsRef<str>,
        T: AsRef<str>,
    {
        Self::other(Shape::List, columns)
    }

    fn other<N, T>(shape: Shape, columns: impl IntoIterator<Item = (N, T, ColumnType)>) -> Self
    where
        N: AsRef<str>,
        T: AsRef<str>,
    {
        let columns = columns.into_iter().map(|(name, type_name, declared)| {
            Column::new(name.as_ref(), Some(type_name.as_ref()), declared)
        });
        Self::new(shape, columns.collect())
    }

    fn new(shape: Shape, columns: Vec<Column>) -> Self {
        Self(Arc::new(Inner {
            shape,
            columns,
            by_name: OnceLock::new(),
            layout: Mutex::default(),
        }))
    }

    /// Returns an iterator over the columns, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Column> {
        self.0.columns.iter()
    }

    /// Returns the number of columns.
    pub fn len(&self) -> usize {
        self.0.columns.len()
    }

    /// Returns whether there are no columns, or none are known (Dune results of 2022 without
    /// metadata).
    pub fn is_empty(&self) -> bool {
        self.0.columns.is_empty()
    }

    /// Returns the first column with this name.
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.position(name).map(|index| &self.0.columns[index])
    }

    /// Returns the position of the first column with this name.
    pub fn position(&self, name: &str) -> Option<usize> {
        let columns = &self.0.columns;
        if columns.len() <= FEW {
            return columns.iter().position(|column| column.name() == name);
        }
        let by_name = self.0.by_name.get_or_init(|| {
            let mut by_name = HashMap::with_capacity(columns.len());
            for (index, column) in columns.iter().enumerate() {
                by_name.entry(column.name.clone()).or_insert(index);
            }
            by_name
        });
        by_name.get(name).copied()
    }

    pub(crate) fn shape(&self) -> Shape {
        self.0.shape
    }

    pub(crate) fn slice(&self) -> &[Column] {
        &self.0.columns
    }

    /// Takes what the last page showed of the layout of its rows, to decode the next page with.
    pub(crate) fn take_layout(&self) -> LayoutCache {
        match self.0.layout.try_lock() {
            Ok(mut layout) => std::mem::take(&mut layout),
            Err(_) => LayoutCache::default(),
        }
    }

    /// Keeps what a page has shown, for the next page.
    pub(crate) fn keep_layout(&self, layout: LayoutCache) {
        if let Ok(mut kept) = self.0.layout.try_lock() {
            *kept = layout.for_next_page();
        }
    }
}

impl std::fmt::Debug for Columns {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Columns {
    type Item = &'a Column;
    type IntoIter = std::slice::Iter<'a, Column>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
