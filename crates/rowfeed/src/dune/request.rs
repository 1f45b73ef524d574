//! The operations that read pages, and the parameters that shape the rows.

use rowfeed_client::{ByteStream, Masker, ResponseValue};
use rowfeed_dune::{ResultPage, builder};

use super::state::call;
use crate::{
    Error, connections::Reconnect as _, cursor::ResultId, paging::BoxFuture, parameter::Parameter,
};

/// The page size of Dune's own clients.
pub(super) const PAGE_SIZE: u32 = 32_000;

/// The value of a text parameter.
type Text = Result<Option<String>, String>;

/// Defines the requests for pages of one format. The operations differ in how they find the result.
/// They have the same parameters, but no common type. After its first page, a result is read from
/// its execution, with the last of the operations.
macro_rules! request {
    ($(#[$doc:meta])* $request:ident by $send:ident -> $answer:ty: $($operation:ident)|+; pinned $pinned:ident by $pin:ident) => {
        $(#[$doc])*
        #[allow(clippy::enum_variant_names)]
        #[derive(Clone)]
        pub(super) enum $request {
            $($operation(builder::$operation),)+
        }

        $(impl From<builder::$operation> for $request {
            fn from(operation: builder::$operation) -> Self {
                Self::$operation(operation)
            }
        })+

        // CSV does not use some of these.
        #[allow(dead_code)]
        impl $request {
            /// Requests a page. A sample has one page, and takes neither limit nor offset.
            pub(super) fn send(
                &self,
                offset: u64,
                rows: u64,
                is_truncated_fine: bool,
            ) -> BoxFuture<Result<ResponseValue<$answer>, Error>> {
                match self.clone() {
                    $(Self::$operation(mut operation) => {
                        if !self.is_sample() {
                            operation = operation.limit(rows.cast_signed()).offset(offset.cast_signed());
                        }
                        if is_truncated_fine && matches!(operation.allow_partial_results, Ok(None)) {
                            operation = operation.allow_partial_results(true);
                        }
                        Box::pin(async { operation.$send().await.map_err(call) })
                    })+
                }
            }

            pub(super) fn execution_id(&self) -> Option<&str> {
                match self {
                    Self::$pinned(pinned) => pinned.execution_id.as_deref().ok(),
                    _ => None,
                }
            }

            /// Reads from this execution from now on, with the same parameters.
            pub(super) fn pin(&mut self, execution_id: &str) {
                if matches!(self, Self::$pinned(_)) {
                    return;
                }
                *self = match self {
                    $(Self::$operation(from) => {
                        let mut pinned = from.client.$pin().execution_id(execution_id);
                        pinned.allow_partial_results = from.allow_partial_results.clone();
                        pinned.columns = from.columns.clone();
                        pinned.filters = from.filters.clone();
                        pinned.ignore_max_credits_per_request =
                            from.ignore_max_credits_per_request.clone();
                        pinned.sample_count = from.sample_count.clone();
                        pinned.sort_by = from.sort_by.clone();
                        Self::$pinned(pinned)
                    })+
                };
            }

            pub(super) fn reconnect(&mut self) -> Result<(), Error> {
                match self {
                    $(Self::$operation(operation) => {
                        operation.client = operation.client.reconnected()?;
                    })+
                }
                Ok(())
            }

            pub(super) fn masker(&self) -> Masker {
                match self { $(Self::$operation(operation) => operation.client.masker(),)+ }
            }

            pub(super) fn limit(&self) -> &Parameter {
                match self { $(Self::$operation(operation) => &operation.limit,)+ }
            }

            pub(super) fn offset(&self) -> &Parameter {
                match self { $(Self::$operation(operation) => &operation.offset,)+ }
            }

            pub(super) fn is_sample(&self) -> bool {
                match self {
                    $(Self::$operation(operation) => matches!(operation.sample_count, Ok(Some(_))),)+
                }
            }

            pub(super) fn takes_partial(&self) -> bool {
                let takes = match self {
                    $(Self::$operation(operation) => &operation.allow_partial_results,)+
                };
                matches!(takes, Ok(Some(true)))
            }

            fn columns(&mut self) -> &mut Text {
                match self { $(Self::$operation(operation) => &mut operation.columns,)+ }
            }

            /// The parameters that decide which rows there are, and in which order.
            fn filters_and_order(&self) -> [&Text; 2] {
                match self {
                    $(Self::$operation(operation) => [&operation.filters, &operation.sort_by],)+
                }
            }
        }
    };
}

request! {
    /// Requests for pages of rows.
    Request by send_as -> ResultPage:
        GetLatestQueryResult | GetCustomEndpointResults | GetExecutionResults;
        pinned GetExecutionResults by get_execution_results
}

request! {
    /// Requests for pages of CSV.
    CsvRequest by send -> ByteStream: GetLatestQueryResultCsv | GetExecutionResultsCsv;
        pinned GetExecutionResultsCsv by get_execution_results_csv
}

impl Request {
    /// Returns whether no row is filtered out, so that the total counts the rows that can be read.
    pub(super) fn has_all_rows(&self) -> bool {
        let [filters, _] = self.filters_and_order();
        matches!(filters, Ok(None)) && !self.is_sample()
    }

    /// Returns whether the caller has named columns.
    pub(super) fn has_columns(&mut self) -> bool {
        !matches!(self.columns(), Ok(None))
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
        *self.columns() = Ok(Some(quoted.collect::<Vec<_>>().join(",")));
    }

    /// The result of an execution with these parameters.
    pub(super) fn result(&self, execution_id: &str) -> ResultId {
        let parameters = ["filters", "sort_by"]
            .into_iter()
            .zip(self.filters_and_order());
        let said = parameters.filter_map(|(name, value)| {
            let value = value.as_ref().ok()?.as_ref()?;
            Some(format!("{name}={value:?}"))
        });
        ResultId::new(execution_id).with_shape(said.collect::<Vec<_>>().join(" "))
    }
}
