//! Places in lists, to resume from.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{Error, cursor::or_none};

/// A place in a list: right after an item that was read.
///
#[doc = include_str!("../docs/items/list-cursor.md")]
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct ListCursor {
    service: Cow<'static, str>,
    operation: Cow<'static, str>,
    /// The parameters that decide what is listed, and in which order.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    parameters: String,
    position: u64,
}

impl ListCursor {
    /// Creates a cursor at the start of the list that an operation returns. `parameters` are those
    /// that decide which items are listed, as text.
    pub fn start(
        service: impl Into<Cow<'static, str>>,
        operation: impl Into<Cow<'static, str>>,
        parameters: impl Into<String>,
    ) -> Self {
        Self {
            service: service.into(),
            operation: operation.into(),
            parameters: parameters.into(),
            position: 0,
        }
    }

    /// Returns the service: `"dune"` or `"lightdash"`.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns the operation that returns the list, such as `"list_datasets"`.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Returns the position of the next item, counted from 0.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Returns a cursor at another item of the same list.
    #[must_use]
    pub fn at(&self, position: u64) -> Self {
        Self {
            position,
            ..self.clone()
        }
    }

    /// Checks that this cursor is a place in the same list as `other`.
    ///
    /// # Errors
    ///
    /// The cursor belongs to another list. The error says what differs.
    pub fn check(&self, service: &'static str, other: &Self) -> Result<(), Error> {
        let flaw = if (&self.service, &self.operation) != (&other.service, &other.operation) {
            format!(
                "the cursor belongs to {} of {}, but this is {} of {service}",
                self.operation, self.service, other.operation
            )
        } else if self.parameters != other.parameters {
            let (then, now) = (or_none(&self.parameters), or_none(&other.parameters));
            format!("the cursor belongs to a list with other parameters: {then} then, {now} now")
        } else if i64::try_from(self.position).is_err() {
            let item = self.position;
            format!("the cursor stands before item {item}, but no list is that long")
        } else {
            return Ok(());
        };
        Err(Error::invalid(service, flaw))
    }
}
