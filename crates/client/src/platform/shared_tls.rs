//! TLS settings that clients share.
//!
//! reqwest parses the root certificates of the system for every client, which takes longer than a
//! hundred calls. Clients that do not configure the HTTP client share the settings that reqwest
//! would use.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig,
    crypto::{CryptoProvider, aws_lc_rs},
};
use rustls_platform_verifier::Verifier;

/// The lifetime of the settings, after which the next client reads the certificates again.
const MAX_AGE: Duration = Duration::from_secs(3600);

static SHARED: Mutex<Option<(Instant, ClientConfig)>> = Mutex::new(None);

/// Returns the shared settings. `None` if they cannot be built: reqwest then reports why.
pub(super) fn shared() -> Option<ClientConfig> {
    let installed = CryptoProvider::get_default();
    // The value is replaced as a whole, so it stays valid after a panic.
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((made, config)) = &*shared {
        let is_of = |provider| Arc::ptr_eq(provider, config.crypto_provider());
        if made.elapsed() < MAX_AGE && installed.is_none_or(is_of) {
            return Some(config.clone());
        }
    }
    let provider = installed.cloned();
    let config = make(provider.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider())))?;
    *shared = Some((Instant::now(), config.clone()));
    Some(config)
}

fn make(provider: Arc<CryptoProvider>) -> Option<ClientConfig> {
    let verifier = Verifier::new(Arc::clone(&provider)).ok()?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .ok()?;
    let mut config = config
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificates_are_read_once() {
        // A machine without certificates has no settings to share.
        let Some(first) = shared() else { return };
        let Some(second) = shared() else {
            panic!("the first client has settings")
        };
        assert!(Arc::ptr_eq(
            first.crypto_provider(),
            second.crypto_provider()
        ));
    }
}
