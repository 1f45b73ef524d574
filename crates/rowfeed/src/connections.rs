//! Connections of a client. The runtime that opens a connection serves it, so code without async
//! needs connections of its own.

use rowfeed_client::{Masker, Meter};

use crate::Error;

/// A client of a service.
pub(crate) trait Reconnect: Send + Sized + 'static {
    const SERVICE: &'static str;

    /// The same client, with new connections that it shares with no other client.
    fn reconnected(&self) -> Result<Self, Error>;

    /// Masks the credentials of the client and its clones.
    fn masker(&self) -> Masker;

    /// The same client, with counters for one run.
    fn for_run(&self) -> (Self, Meter);
}

/// Defines the name of a service, and helpers that are the same for all generated clients.
macro_rules! service {
    ($client:ty, $name:literal) => {
        pub(super) const SERVICE: &str = $name;

        /// A parameter of a generated builder that was not set or did not convert.
        pub(super) fn invalid(message: impl AsRef<str>) -> $crate::Error {
            $crate::Error::invalid(SERVICE, message.as_ref())
        }

        /// A page that does not fit its result.
        pub(super) fn paging(message: impl Into<String>) -> $crate::Error {
            $crate::Error::new($crate::ErrorKind::Paging, SERVICE, message)
        }

        impl $crate::connections::Reconnect for $client {
            const SERVICE: &'static str = SERVICE;

            fn reconnected(&self) -> Result<Self, $crate::Error> {
                let fresh = self.with_fresh_connections();
                fresh.map_err(|error| invalid(error.to_string()))
            }

            fn masker(&self) -> rowfeed_client::Masker {
                rowfeed_client::ClientInfo::inner(self).masker()
            }

            fn for_run(&self) -> (Self, rowfeed_client::Meter) {
                let client = self.metered();
                let meter = rowfeed_client::ClientInfo::inner(&client).meter();
                (client, meter)
            }
        }
    };
}
pub(crate) use service;
