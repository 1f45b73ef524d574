//! IAM tokens that are fetched and refreshed: from the metadata service of a machine, and for the
//! key of a service account.

#[cfg(feature = "service-account")]
mod jwt;
mod metadata;
#[cfg(feature = "service-account")]
mod service_account;
#[cfg(feature = "service-account")]
mod service_account_key;

use std::time::Duration;

use rowfeed_client::RefreshingCredential;

pub use metadata::MetadataCredential;
#[cfg(feature = "service-account")]
pub use service_account::ServiceAccountCredential;
#[cfg(feature = "service-account")]
pub use service_account_key::{InvalidServiceAccountKey, ServiceAccountKey};

/// IAM tokens are to be renewed after about a tenth of their life, an hour of twelve; old ones
/// stay good.
fn renewed_hourly(credential: RefreshingCredential) -> RefreshingCredential {
    credential.refresh_ahead(Duration::from_secs(11 * 3600))
}
