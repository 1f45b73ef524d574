//! The columns of a result, as the service declares them.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use super::{
    error::DecodeError,
    helper,
    types::{ColumnKind, ColumnType, UNDECLARED, lightdash, trino, yql},
};

/// One column of a result.
///
/// ```
/// # use rowfeed::{ColumnKind, dune, prelude::*, yandex_query};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
/// # let token = rowfeed::Secret::new(rowfeed_sandbox::YANDEX_IAM_TOKEN)?;
/// # let yandex = yandex_query::Client::builder();
/// # let yandex = yandex.base_url(sandbox.yandex_query_url()).iam_token(token).build()?;
/// # let folder = rowfeed_sandbox::YANDEX_PROJECT;
/// # let text = "SELECT trade_id, amount_usd FROM trades";
/// # let run = yandex.create_query().project(folder).body(text).run().await?;
/// # let page = run.pages().try_next().await?.ok_or("no page")?;
/// for column in page.columns() {
///     let declared = column.type_name().unwrap_or("not declared");
///     println!("{}: {:?} ({declared})", column.name(), column.kind());
/// }
/// let amount = page.columns().get("amount_usd").ok_or("no such column")?;
/// assert_eq!(amount.type_name(), Some("Optional<Double>"));
/// assert_eq!((amount.kind(), amount.is_nullable()), (ColumnKind::Float, Some(true)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Column {
    name: Box<str>,
    type_name: Option<Box<str>>,
    pub(crate) declared: ColumnType,
    /// The name is written in JSON as it is.
    pub(super) plain: bool,
    /// Yandex Query: `null` here is not a NULL but a value that could not be sent.
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

    /// The error of a cell in this column, with all that the column knows.
    #[cold]
    pub(super) fn blame(&self, error: DecodeError, sent: &str) -> DecodeError {
        error
            .at_column(&self.name, self.type_name(), sent, self.null_is_lost)
            .with_advice(|| helper::advice(&self.declared, sent))
    }

    /// The name, as sent.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The declared type in the service's own spelling: `decimal(38, 0)`, `number`,
    /// `Optional<Int64>`. Dune results from before October 2024 have none.
    pub fn type_name(&self) -> Option<&str> {
        self.type_name.as_deref()
    }

    /// The declared type, with its width, precision, time zone and what is nested in it.
    pub fn column_type(&self) -> &ColumnType {
        &self.declared
    }

    /// The coarse kind of the declared type.
    pub fn kind(&self) -> ColumnKind {
        self.declared.kind()
    }

    /// Whether the declared type has room for NULL; `None` where the service does not say.
    /// Only Yandex Query does: what is not `Optional` has none, except for `Void`, `Null` and Pg
    /// types.
    pub fn is_nullable(&self) -> Option<bool> {
        self.declared.is_nullable()
    }
}

/// The columns of a result, in order. Cloning is cheap.
///
/// ```
/// use rowfeed::{Column, ColumnKind};
/// # use rowfeed::{dune, prelude::*};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
/// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
/// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
/// let run = dune.execute_sql().body("SELECT trade_id, project FROM trades").run().await?;
/// let page = run.pages().try_next().await?.ok_or("no page")?;
/// let columns = page.columns();
/// let names: Vec<_> = columns.iter().map(Column::name).collect();
/// assert_eq!(names, ["trade_id", "project"]);
/// assert_eq!(columns.get("project").map(Column::kind), Some(ColumnKind::Text));
/// assert_eq!(columns.position("amount_usd"), None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Columns(Arc<Inner>);

struct Inner {
    shape: Shape,
    columns: Vec<Column>,
    /// Of many columns, made when one is looked up.
    by_name: OnceLock<HashMap<Box<str>, usize>>,
}

/// So many columns are looked through faster than a name is hashed.
const FEW: usize = 16;

/// The columns of the last page. Mostly those of the next are the same, and need not be made anew.
#[derive(Debug, Default)]
pub(crate) struct LastColumns(Option<Columns>);

impl LastColumns {
    /// The columns with these names and types, which `make` would make.
    pub(crate) fn or_make<'a>(
        &mut self,
        declared: impl Iterator<Item = (&'a str, Option<&'a str>)>,
        make: impl FnOnce() -> Columns,
    ) -> Columns {
        match &self.0 {
            Some(last) if last.are_declared_by(declared) => last.clone(),
            _ => self.0.insert(make()).clone(),
        }
    }
}

/// How a service writes a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Dune: an object of values.
    Object,
    /// Lightdash: an object of objects that hold each value twice.
    Cells(Cells),
    /// Yandex Query: a list of values.
    List,
}

/// Which of the two forms of a Lightdash value to read.
///
/// ```
/// use rowfeed::{Cells, Columns, RowDecoder};
/// # use rowfeed::{lightdash, prelude::*};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
/// # let token = rowfeed::Secret::new(rowfeed_sandbox::LIGHTDASH_TOKEN)?;
/// # let lightdash = lightdash::Client::builder();
/// # let lightdash = lightdash.base_url(sandbox.lightdash_url()).token(token).build()?;
/// # let project = rowfeed_sandbox::LIGHTDASH_PROJECT_UUID;
/// # let sql = "SELECT project, 1234.5 AS usd FROM projects";
/// # let run = lightdash.execute_async_sql_query().project_uuid(project).body(sql).run().await?;
/// # let page = run.pages().try_next().await?.ok_or("no page")?;
/// // `Pages::formatted` reads this form; both can be had of one page, too:
/// let columns = page.columns().iter();
/// let columns = columns.map(|column| (column.name(), column.type_name().unwrap_or_default()));
/// let formatted = Columns::lightdash(columns, Cells::Formatted);
/// let rows = RowDecoder::new(&formatted, page.raw().as_str(), page.first_row());
/// let shown: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
/// # println!("{shown:?}");
/// # assert_eq!(shown.len(), 4);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cells {
    /// The value as the warehouse gave it. This is what should be computed with.
    #[default]
    Raw,
    /// The value as Lightdash would show it: always text, dependent on locale and format.
    /// NULL stays NULL (Lightdash shows it as `∅`).
    Formatted,
}

impl Columns {
    /// Dune: `column_names` and `column_types` of the result's metadata, whichever are there.
    /// A type beyond the last name is ignored; a name beyond the last type has none.
    ///
    /// ```
    /// use rowfeed::Columns;
    ///
    /// let names = ["hash", "value"].map(str::to_owned);
    /// let types = ["varbinary", "uint256"].map(str::to_owned);
    /// let columns = Columns::dune(Some(&names), Some(&types));
    /// assert_eq!(columns.len(), 2);
    /// ```
    pub fn dune(names: Option<&[String]>, types: Option<&[String]>) -> Self {
        let types = types.unwrap_or_default();
        let columns = names.unwrap_or_default().iter().enumerate();
        let columns = columns.map(|(index, name)| {
            let type_name = types.get(index).map(String::as_str);
            let declared = type_name.map_or(UNDECLARED.clone(), trino::parse);
            Column::new(name, type_name, declared)
        });
        Self::new(Shape::Object, columns.collect())
    }

    /// Lightdash: names and types of `columns`, in the order in which they were sent, and which
    /// form of the values to read.
    ///
    /// ```
    /// use rowfeed::{Cells, Columns};
    ///
    /// let columns = [("orders_status", "string"), ("orders_count", "number")];
    /// let columns = Columns::lightdash(columns.into_iter(), Cells::Raw);
    /// assert_eq!(columns.position("orders_count"), Some(1));
    /// ```
    pub fn lightdash<N, T>(columns: impl Iterator<Item = (N, T)>, cells: Cells) -> Self
    where
        N: AsRef<str>,
        T: AsRef<str>,
    {
        let columns = columns.map(|(name, type_name)| {
            let type_name = type_name.as_ref();
            let declared = match cells {
                Cells::Raw => lightdash::parse(type_name),
                Cells::Formatted => ColumnType::text(),
            };
            Column::new(name.as_ref(), Some(type_name), declared)
        });
        Self::new(Shape::Cells(cells), columns.collect())
    }

    /// Yandex Query: names and type strings of `columns`. A type string that cannot be read
    /// leaves its column without a known type; it is no error.
    ///
    /// The service cannot write some values as JSON: every `Uuid`, and text that is not UTF-8. It
    /// sends `null` in their place, which is an error unless the field is an `Option`; an
    /// `Optional<Uuid>` looks like NULL whatever it holds. Cast such columns in the query
    /// (`CAST(id AS Utf8)`).
    ///
    /// ```
    /// use rowfeed::{ColumnKind, Columns};
    ///
    /// let columns = [("id", "Int64"), ("tags", "Optional<List<Utf8>>")];
    /// let columns = Columns::yandex_query(columns.into_iter());
    /// assert_eq!(columns.get("tags").map(|tags| tags.kind()), Some(ColumnKind::List));
    /// ```
    pub fn yandex_query<N, T>(columns: impl Iterator<Item = (N, T)>) -> Self
    where
        N: AsRef<str>,
        T: AsRef<str>,
    {
        let columns = columns.map(|(name, type_name)| {
            let type_name = type_name.as_ref();
            let (declared, null_is_lost) = yql::column(type_name);
            Column {
                null_is_lost,
                ..Column::new(name.as_ref(), Some(type_name), declared)
            }
        });
        Self::new(Shape::List, columns.collect())
    }

    /// These columns, and behind them those of these names that they lack, without types.
    #[cfg(feature = "arrow")]
    pub(crate) fn with_undeclared<'a>(&self, names: impl Iterator<Item = &'a str>) -> Self {
        let missing = names.filter(|name| self.position(name).is_none());
        let missing = missing.map(|name| Column::new(name, None, ColumnType::undeclared()));
        let columns = self.iter().cloned().chain(missing).collect();
        Self::new(self.shape(), columns)
    }

    /// Whether the cells of a row have the names of their columns.
    #[cfg(feature = "arrow")]
    pub(crate) fn is_by_name(&self) -> bool {
        self.shape() != Shape::List
    }

    /// Whether these are the names and types that they were made of.
    pub(crate) fn are_declared_by<'a>(
        &self,
        mut declared: impl Iterator<Item = (&'a str, Option<&'a str>)>,
    ) -> bool {
        let same = |column: &Column| declared.next() == Some((column.name(), column.type_name()));
        self.iter().all(same) && declared.next().is_none()
    }

    /// The columns of [another service](crate::service), whose rows are objects: for each its name,
    /// its type as the service spells it, and what that amounts to.
    pub fn objects<N, T>(columns: impl IntoIterator<Item = (N, T, ColumnType)>) -> Self
    where
        N: AsRef<str>,
        T: AsRef<str>,
    {
        Self::other(Shape::Object, columns)
    }

    /// The same for rows that are lists of values, in the order of the columns.
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
        }))
    }

    /// The columns, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Column> {
        self.0.columns.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.columns.len()
    }

    /// Whether there are none, or none are known (Dune results of 2022 without metadata).
    pub fn is_empty(&self) -> bool {
        self.0.columns.is_empty()
    }

    /// The column with this name; the first, should several have it.
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.position(name).map(|index| &self.0.columns[index])
    }

    /// Where the column with this name is.
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

    pub(super) fn slice(&self) -> &[Column] {
        &self.0.columns
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
