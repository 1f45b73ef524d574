//! What the builder of every client takes, and what its failed calls are, under the facade's name.

/// Given to a client's builder, for all of its calls.
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
#[doc(inline)]
pub use rowfeed_client::RateLimit;

/// For tokens that expire while rows are being read: reading continues with the next one.
#[doc(inline)]
pub use rowfeed_client::{ExpiringSecret, RefreshingCredential};

/// For a variable that is set, or changed, after the client is made.
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
