//! The list endpoints of the services, and places in their lists.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Items};

/// An operation that lists things a page at a time: the items of all pages.
///
/// Every parameter of the operation keeps its meaning and goes with every page. Those that say
/// which page is meant say where to begin and how much is wanted: `offset` is the first item and
/// `limit` the number of items at all, as for rows; `page_size` is the size of a page.
///
/// ```
/// use rowfeed::{dune, prelude::*};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
/// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
/// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
/// let mut queries = dune.list_queries().items();
/// while let Some(query) = queries.try_next().await? {
///     println!("{:?}: {}", query.id, query.name.unwrap_or_default());
/// }
/// # assert_eq!(queries.cursor().position(), 2);
/// # Ok(())
/// # }
/// ```
pub trait ListsItems: Sized {
    /// What is listed.
    type Item;

    /// The items of all pages. Nothing is sent before the first is asked for.
    fn items(self) -> Items<Self::Item>;
}

/// A place in a list: right after an item that was read.
///
/// Small, and made to be stored: it serialises to a map of a few fields. It belongs to one
/// operation with the parameters that were set on it, and is refused by any other. The page size
/// may be another.
///
/// A list is not a snapshot. Services count places from the beginning of the list, so after
/// something before the place was added or removed, an item may come twice or not at all.
///
/// ```
/// use rowfeed::ListCursor;
/// # use rowfeed::{dune, prelude::*};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
/// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
/// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
/// let mut queries = dune.list_queries().items();
/// let first = queries.try_next().await?;
/// let stored = serde_json::to_string(&queries.cursor())?;
///
/// let cursor: ListCursor = serde_json::from_str(&stored)?;
/// assert_eq!((cursor.operation(), cursor.position()), ("list_queries", 1));
/// let rest: Vec<_> = dune.list_queries().items().resume(&cursor).try_collect().await?;
/// assert_eq!(rest.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ListCursor {
    pub(crate) service: String,
    pub(crate) operation: String,
    /// The parameters that decide what is listed, and in which order.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) parameters: String,
    pub(crate) position: u64,
}

impl ListCursor {
    /// The beginning of the list that an operation with these parameters gives.
    pub(crate) fn start(
        service: &'static str,
        operation: &'static str,
        builder: &impl Debug,
    ) -> Self {
        Self {
            service: service.to_owned(),
            operation: operation.to_owned(),
            parameters: parameters(builder),
            position: 0,
        }
    }

    /// The service: `"dune"` or `"lightdash"`.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The operation whose list it is a place in, such as `"list_datasets"`.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The item that comes next, counted from 0.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Fails unless this is a place in the same list as `other`.
    pub(crate) fn check(&self, service: &'static str, other: &Self) -> Result<(), Error> {
        let refuse = |message| Err(Error::new(ErrorKind::InvalidRequest, service, message));
        if (&self.service, &self.operation) != (&other.service, &other.operation) {
            return refuse(format!(
                "the cursor belongs to {} of {}, and this is {} of {service}",
                self.operation, self.service, other.operation
            ));
        }
        if self.parameters != other.parameters {
            let shown = |parameters: &str| match parameters {
                "" => "none".to_owned(),
                parameters => parameters.to_owned(),
            };
            return refuse(format!(
                "the cursor belongs to a list with other parameters: {} then, {} now",
                shown(&self.parameters),
                shown(&other.parameters)
            ));
        }
        if i64::try_from(self.position).is_err() {
            return refuse(format!(
                "the cursor stands before item {}, and no list is that long",
                self.position
            ));
        }
        Ok(())
    }
}

/// The parameters that are set on a generated builder, as text, but for those that only say which
/// page is meant.
///
/// Read off the pretty form of the builder's derived `Debug`, where each field begins a line with
/// four blanks, so that no operation's parameters are named here.
fn parameters(builder: &impl Debug) -> String {
    const OF_PAGES: [&str; 5] = ["client", "limit", "offset", "page", "page_size"];
    let text = format!("{builder:#?}");
    let mut fields: Vec<String> = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("    ")) {
        match fields.last_mut() {
            Some(field) if line.starts_with([' ', ')', ']', '}']) => field.push_str(line.trim()),
            _ => fields.push(line.to_owned()),
        }
    }
    let set = fields.iter().filter_map(|field| {
        let (name, value) = field.split_once(": ")?;
        let value = within("Ok", value.strip_suffix(',').unwrap_or(value));
        let is_set = value != "None" && !OF_PAGES.contains(&name);
        is_set.then(|| format!("{name}={}", within("Some", value)))
    });
    set.collect::<Vec<_>>().join(" ")
}

/// `value` of `name(value,)`.
fn within<'a>(name: &str, text: &'a str) -> &'a str {
    text.strip_prefix(name)
        .and_then(|text| text.strip_prefix('(')?.strip_suffix(",)"))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::parameters;

    #[derive(Debug)]
    #[allow(dead_code)]
    struct Client {
        base_url: &'static str,
    }

    #[derive(Debug)]
    #[allow(dead_code)]
    struct Builder {
        client: Client,
        limit: Result<Option<i64>, String>,
        project: Result<&'static str, String>,
        kinds: Result<Option<Vec<&'static str>>, String>,
        search: Result<Option<&'static str>, String>,
        unset: Result<Option<bool>, String>,
    }

    #[test]
    fn parameters_are_what_is_set_and_says_no_page() {
        let builder = Builder {
            client: Client { base_url: "x" },
            limit: Ok(Some(5)),
            project: Ok("p"),
            kinds: Ok(Some(vec!["a", "b"])),
            search: Ok(Some("two\n    lines: (x,)")),
            unset: Ok(None),
        };
        assert_eq!(
            parameters(&builder),
            r#"project="p" kinds=["a","b",] search="two\n    lines: (x,)""#
        );
    }
}
