//! The operation that a page is read with, and which of its parameters shape the rows.

use rowfeed_client::Masker;
use rowfeed_dune::{builder, types};

use super::state::call;
use crate::{
    Error,
    cursor::ResultId,
    paging::{BoxFuture, Reconnect, Wanted},
    parameter::Parameter,
};

/// What Dune's own clients request.
pub(super) const PAGE_SIZE: u32 = 32_000;

/// Three operations read pages; after its first page a result is read from its execution.
pub(super) enum Request {
    Latest(builder::GetLatestQueryResult),
    Endpoint(builder::GetCustomEndpointResults),
    Execution(builder::GetExecutionResults),
}

/// The three have these parameters in common, but no type.
macro_rules! each {
    ($self:expr, $builder:ident => $value:expr) => {
        match $self {
            Request::Latest($builder) => $value,
            Request::Endpoint($builder) => $value,
            Request::Execution($builder) => $value,
        }
    };
}

/// An operation that reads an execution, with the parameters of another that shape the rows. The
/// operations for CSV have the same parameters.
macro_rules! pinned {
    ($builder:expr, $operation:ident, $execution_id:expr) => {{
        let from = $builder;
        let mut results = from.client.$operation().execution_id($execution_id);
        results.allow_partial_results = from.allow_partial_results.clone();
        results.columns = from.columns.clone();
        results.filters = from.filters.clone();
        results.ignore_max_credits_per_request = from.ignore_max_credits_per_request.clone();
        results.sample_count = from.sample_count.clone();
        results.sort_by = from.sort_by.clone();
        results
    }};
}
pub(super) use pinned;

impl Request {
    /// Requests a page. A sample is one page, and takes neither limit nor offset.
    pub(super) fn send(
        &self,
        offset: u64,
        rows: u64,
        wanted: &Wanted,
    ) -> BoxFuture<Result<types::ReadExecutionResultResponse, Error>> {
        let id = self.execution_id().map(str::to_owned);
        each!(self, builder => {
            let mut builder = builder.clone();
            if !self.is_sample() {
                builder = builder.limit(rows.cast_signed()).offset(offset.cast_signed());
            }
            if wanted.truncated && matches!(builder.allow_partial_results, Ok(None)) {
                builder = builder.allow_partial_results(true);
            }
            Box::pin(async move {
                let response = builder.send().await.map_err(|error| match id {
                    Some(id) => call(error).with_run(&id),
                    None => call(error),
                })?;
                Ok(response.into_inner())
            })
        })
    }

    pub(super) fn execution_id(&self) -> Option<&str> {
        match self {
            Self::Execution(builder) => builder.execution_id.as_deref().ok(),
            _ => None,
        }
    }

    pub(super) fn limit(&self) -> &Parameter {
        each!(self, builder => &builder.limit)
    }

    pub(super) fn takes_partial(&self) -> bool {
        each!(self, builder => matches!(builder.allow_partial_results, Ok(Some(true))))
    }

    pub(super) fn is_sample(&self) -> bool {
        each!(self, builder => matches!(builder.sample_count, Ok(Some(_))))
    }

    /// Whether no row is left out, so that the total counts what can be read.
    pub(super) fn has_all_rows(&self) -> bool {
        each!(self, builder => matches!(builder.filters, Ok(None))) && !self.is_sample()
    }

    /// Whether the caller has named columns.
    pub(super) fn has_columns(&self) -> bool {
        each!(self, builder => !matches!(builder.columns, Ok(None)))
    }

    /// Requests these columns only. Names with anything but letters, digits and `_` are quoted.
    pub(super) fn choose_columns(&mut self, names: &[&str]) {
        let is_plain = |name: &str| {
            let mut letters = name.bytes();
            letters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let quoted = names.iter().map(|name| match is_plain(name) {
            true => (*name).to_owned(),
            false => format!("\"{name}\""),
        });
        let columns = quoted.collect::<Vec<_>>().join(",");
        each!(self, builder => builder.columns = Ok(Some(columns)));
    }

    /// The result that an execution has with these parameters.
    pub(super) fn result(&self, execution_id: &str) -> ResultId {
        ResultId::new(execution_id).with_shape(self.shape())
    }

    pub(super) fn reconnect(&mut self) -> Result<(), Error> {
        each!(self, builder => builder.client = builder.client.reconnected()?);
        Ok(())
    }

    pub(super) fn masker(&self) -> Masker {
        each!(self, builder => builder.client.masker())
    }

    /// The parameters that decide which rows there are, and in which order.
    fn shape(&self) -> String {
        let parameters = each!(self, builder => [
            ("filters", &builder.filters),
            ("sort_by", &builder.sort_by),
        ]);
        let said = parameters.iter().filter_map(|(name, value)| {
            let value = value.as_ref().ok()?.as_ref()?;
            Some(format!("{name}={value:?}"))
        });
        said.collect::<Vec<_>>().join(" ")
    }

    /// Reads from this execution from now on, with the same parameters.
    pub(super) fn pin(&mut self, execution_id: &str) {
        if matches!(self, Self::Execution(_)) {
            return;
        }
        let pinned = each!(&*self, builder => {
            pinned!(builder, get_execution_results, execution_id)
        });
        *self = Self::Execution(pinned);
    }
}
