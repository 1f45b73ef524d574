//! Providers of IAM tokens: from the metadata service of a machine, and for the key of a service
//! account.

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

/// Sets the hourly refresh: IAM tokens should be replaced after a tenth of their lifetime of twelve
/// hours. Replaced tokens stay valid.
fn renewed_hourly(credential: RefreshingCredential) -> RefreshingCredential {
    credential.refresh_ahead(Duration::from_secs(11 * 3600))
}
