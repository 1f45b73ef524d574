//! What the builder of every client takes, and what its failed calls are, under the facade's name.

/// Given to a client's builder, for all of its calls.
///
/// ```
/// use std::time::Duration;
/// use rowfeed::{RetryPolicy, dune, prelude::*};
///
/// # rowfeed::__example!(|sandbox, key, query_id| {
/// let dune = dune::Client::builder()
///     .retry(RetryPolicy::new().max_attempts(6).base_delay(Duration::from_millis(20)))
///     .api_key(key)
/// #     .base_url(sandbox.dune_url())
///     .build()?;
/// # sandbox.fault(rowfeed_sandbox::Fault::status(503));
/// // A page that fails with 503 is requested again.
/// let page = dune.get_latest_query_result().query_id(query_id).pages().try_next().await?;
/// # assert_eq!(sandbox.requests().len(), 2);
/// # });
/// ```
#[doc(inline)]
pub use rowfeed_client::RetryPolicy;

/// What a client's builder takes as its credential.
///
/// ```
/// use rowfeed::{Secret, dune};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = Secret::new("a key from wherever keys are kept")?;
/// assert_eq!(format!("{key:?}"), "Secret(***)");
/// let dune = dune::Client::builder().api_key(key).build()?;
/// # Ok(())
/// # }
/// ```
#[doc(inline)]
pub use rowfeed_client::Secret;

/// Given to a client's builder: every reading, run and call made with the client or a clone of it
/// keeps to it together.
///
/// ```
/// use std::time::Duration;
/// use rowfeed::{RateLimit, dune, prelude::*};
///
/// # rowfeed::__example!(|sandbox, key, query_id| {
/// let dune = dune::Client::builder()
///     .rate_limit(RateLimit::new(40, Duration::from_millis(800)).burst(5))
///     .api_key(key)
/// #     .base_url(sandbox.dune_url())
///     .build()?;
/// let trades = dune.get_latest_query_result().query_id(query_id).rows::<rowfeed::Row>();
/// let (trades, count) = tokio::join!(
///     trades.try_collect::<Vec<_>>(),
///     dune.execute_sql().body("SELECT COUNT(*) AS trades FROM trades").run().into_future(),
/// );
/// # assert_eq!(trades?.len(), 48);
/// # count?;
/// # });
/// ```
#[doc(inline)]
pub use rowfeed_client::RateLimit;

/// For tokens that expire while rows are being read: reading continues with the next one.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use rowfeed::{ExpiringSecret, RefreshingCredential, Secret, prelude::*, yandex_query};
///
/// # async fn ask_the_vault() -> Result<(String, u64), rowfeed::CredentialError> {
/// #     Ok((rowfeed_sandbox::YANDEX_IAM_TOKEN.to_owned(), 3600))
/// # }
/// # rowfeed::__example!(|sandbox, folder| {
/// let credential = RefreshingCredential::new(|| async {
///     let (token, seconds) = ask_the_vault().await?;
///     Ok(ExpiringSecret::valid_for(Secret::new(token)?, Duration::from_secs(seconds)))
/// });
/// let yandex = yandex_query::Client::builder()
///     .credential_provider(Arc::new(credential))
/// #     .base_url(sandbox.yandex_query_url())
///     .build()?;
/// let run = yandex.create_query().project(folder).body("SELECT 1 AS n").run().await?;
/// # assert_eq!(run.rows::<i64>().try_collect::<Vec<_>>().await?, [1]);
/// # });
/// ```
#[doc(inline)]
pub use rowfeed_client::{ExpiringSecret, RefreshingCredential};

/// For a variable that is set, or changed, after the client is made.
///
/// ```
/// use std::sync::Arc;
/// use rowfeed::{EnvCredential, dune};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let credential = Arc::new(EnvCredential::new("DUNE_API_KEY"));
/// let dune = dune::Client::builder().credential_provider(credential).build()?;
/// # Ok(())
/// # }
/// ```
#[doc(inline)]
pub use rowfeed_client::EnvCredential;

/// What [`Error::call`](crate::Error::call) gives: one call that failed, whichever the service.
#[doc(inline)]
pub use rowfeed_client::CallError;

/// What kind of failure a [`CallError`] is.
#[doc(inline)]
pub use rowfeed_client::CallErrorKind;

#[doc(inline)]
pub use rowfeed_client::{
    Attempt, BuildError, CredentialError, CredentialProvider, SecretError, SecretFuture,
    TimeoutScope,
};
