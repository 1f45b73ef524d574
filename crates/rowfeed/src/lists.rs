//! The list endpoints of the services, and places in their lists.

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
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
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
        parameters: Parameters,
    ) -> Self {
        Self {
            service: service.to_owned(),
            operation: operation.to_owned(),
            parameters: text(parameters),
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

/// What is set on an operation, by name, as its builder tells it.
pub(crate) type Parameters = Vec<(&'static str, serde_json::Value)>;

/// The parameters that are set, as text, but for those that only say which part of the list is
/// wanted at a time.
fn text(parameters: Parameters) -> String {
    const OF_PAGES: [&str; 4] = ["limit", "offset", "page", "page_size"];
    let set = parameters
        .into_iter()
        .filter(|(name, value)| !value.is_null() && !OF_PAGES.contains(name))
        .map(|(name, value)| format!("{name}={value}"));
    set.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::text;

    #[test]
    fn parameters_are_what_is_set_and_says_no_page() {
        let parameters = vec![
            ("limit", json!(5)),
            ("project", json!("p")),
            ("kinds", json!(["a", "b"])),
            ("search", json!("two\n    lines: (x,)")),
            ("unset", json!(null)),
        ];
        assert_eq!(
            text(parameters),
            r#"project="p" kinds=["a","b"] search="two\n    lines: (x,)""#
        );
    }
}
