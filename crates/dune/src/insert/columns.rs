//! The columns of a table.

use rowfeed_client::rows::Columns;
use serde_json::Value;

use super::{
    cell::{self, Cell},
    token::{Formats, Token},
};
use crate::types;

/// A column of a table: its name, and its type as Dune names it.
///
/// ```
/// use rowfeed_dune::insert::InsertColumn;
///
/// let level = InsertColumn::new("level", "double");
/// let key = InsertColumn::new("hash", "varbinary").not_null();
/// # let _ = (level, key);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct InsertColumn {
    pub(super) name: String,
    pub(super) declared: Value,
    pub(super) is_nullable: bool,
}

impl InsertColumn {
    /// A column that may be NULL. `type_name` is a type such as `varchar`, `bigint`, `double`,
    /// `boolean`, `timestamp`, `date`, `varbinary`, `uint256` or `decimal(38, 18)`. Which types a
    /// table can have is up to Dune, and not established; a type that this crate does not know is
    /// passed on, and its values are not checked.
    pub fn new(name: impl Into<String>, type_name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            declared: Value::String(type_name.into()),
            is_nullable: true,
        }
    }

    /// Refuses NULL in this column.
    #[must_use]
    pub fn not_null(mut self) -> Self {
        self.is_nullable = false;
        self
    }

    /// The name of the column.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type as Dune names it; empty for a type that Dune describes by an object.
    #[must_use]
    pub fn type_name(&self) -> &str {
        self.declared.as_str().unwrap_or_default()
    }

    /// As a table is created with.
    pub(super) fn to_request(&self) -> types::TableColumn {
        types::TableColumn {
            name: self.name.clone(),
            nullable: Some(self.is_nullable),
            type_: self.declared.clone(),
        }
    }

    /// As Dune lists it.
    pub(super) fn listed(column: types::TableColumnInfo) -> Option<Self> {
        Some(Self {
            name: column.name?,
            declared: Value::String(column.type_.unwrap_or_default()),
            is_nullable: column.nullable != Some(false),
        })
    }
}

impl<N: Into<String>, T: Into<String>> From<(N, T)> for InsertColumn {
    fn from((name, type_name): (N, T)) -> Self {
        Self::new(name, type_name)
    }
}

/// The columns of a table, with their types parsed, and how a row becomes tokens.
pub(super) struct TableColumns {
    columns: Vec<InsertColumn>,
    parsed: Columns,
    formats: Formats,
}

impl TableColumns {
    /// # Errors
    ///
    /// There is no column, or a name twice. Names are the same in any case, as in SQL.
    pub(super) fn new(columns: Vec<InsertColumn>, formats: Formats) -> Result<Self, String> {
        if columns.is_empty() {
            return Err("a table has at least one column; found none".to_owned());
        }
        for (index, column) in columns.iter().enumerate() {
            let before = &columns[..index];
            if before
                .iter()
                .any(|other| is_same(&other.name, &column.name))
            {
                return Err(format!("the column `{}` is declared twice", column.name));
            }
        }
        let names = columns.iter().map(|column| &column.name);
        let types = columns.iter().map(InsertColumn::type_name);
        let parsed = Columns::dune(names, types);
        Ok(Self {
            columns,
            parsed,
            formats,
        })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(InsertColumn::name)
    }

    /// The tokens of a row, in the order of the columns. A column that the row lacks is NULL.
    ///
    /// # Errors
    ///
    /// The name of the column, if one is at fault, and what is wrong.
    pub(super) fn tokens<T: serde::Serialize + ?Sized>(
        &self,
        row: &T,
    ) -> Result<Vec<Token>, (Option<String>, String)> {
        let mut tokens: Vec<Option<Token>> = Vec::new();
        tokens.resize_with(self.columns.len(), || None);
        let mut at = None;
        let taken = cell::fields(row, &mut |name, cell| {
            at = Some(name.to_owned());
            let index = self.position(name)?;
            if tokens[index].is_some() {
                return Err("the row has this column twice".to_owned());
            }
            tokens[index] = Some(self.token(index, cell)?);
            at = None;
            Ok(())
        });
        taken.map_err(|said| (at, said))?;
        let filled = tokens.into_iter().enumerate().map(|(index, token)| {
            let token = token.map_or_else(|| self.token(index, Cell::Null), Ok);
            token.map_err(|said| (Some(self.columns[index].name.clone()), said))
        });
        filled.collect()
    }

    fn token(&self, index: usize, cell: Cell) -> Result<Token, String> {
        if cell == Cell::Null && !self.columns[index].is_nullable {
            return Err("expected a value, found NULL; the column is not nullable".to_owned());
        }
        // `parsed` has as many columns as `columns`.
        match self.parsed.iter().nth(index) {
            Some(column) => self.formats.token(column, cell),
            None => Err("the column has no type".to_owned()),
        }
    }

    fn position(&self, name: &str) -> Result<usize, String> {
        let found = self.names().position(|column| is_same(column, name));
        found.ok_or_else(|| {
            let names: Vec<&str> = self.names().take(20).collect();
            format!("the table has no such column; it has {}", names.join(", "))
        })
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
