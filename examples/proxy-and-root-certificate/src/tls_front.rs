//! TLS in front of a plain server, with a new certificate authority.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

pub(crate) struct TlsFront {
    pub(crate) port: u16,
    /// The certificate that a client must trust.
    pub(crate) root_pem: String,
}

impl TlsFront {
    /// Accepts connections for `localhost` until the runtime ends, and forwards their content.
    pub(crate) async fn start(to: SocketAddr) -> Result<Self> {
        let (config, root_pem) = server_config()?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust the certificate disconnects here.
                    let mut client = acceptor.accept(client).await?;
                    let mut server = TcpStream::connect(to).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Ok(Self { port, root_pem })
    }
}

/// A root certificate, and a certificate for `localhost` that it has signed.
fn server_config() -> Result<(ServerConfig, String)> {
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.distinguished_name
        .push(DnType::CommonName, "A private authority");
    let root_key = KeyPair::generate()?;
    let root_pem = root.self_signed(&root_key)?.pem();

    let key = KeyPair::generate()?;
    let server = CertificateParams::new(["localhost".to_owned()])?;
    let certificate = server.signed_by(&key, &Issuer::new(root, root_key))?;

    // The clients use the same provider, so the program has only one.
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )?;
    Ok((config, root_pem))
}
