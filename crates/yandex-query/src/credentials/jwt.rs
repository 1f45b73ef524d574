//! The signed JWT that is exchanged for a token.

use std::time::{Duration, SystemTime};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PSS_SHA256, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Body;
use rowfeed_client::CredentialError;
use serde_json::json;
use zeroize::Zeroizing;

use super::ServiceAccountKey;

/// The lifetime of a JWT. The service accepts at most an hour.
const LIFETIME: Duration = Duration::from_secs(360);

pub(super) struct Signer {
    key: ServiceAccountKey,
    audience: &'static str,
}

impl Signer {
    pub(super) fn new(key: ServiceAccountKey, audience: &'static str) -> Self {
        Self { key, audience }
    }

    /// Returns `{"jwt": "…"}`, wiped after it is sent.
    pub(super) fn request_body(&self, now: SystemTime) -> Result<Body, CredentialError> {
        let jwt = self.jwt(now)?;
        let mut body = Zeroizing::new(Vec::with_capacity(jwt.len() + 10));
        // A JWT has no characters that JSON escapes.
        body.extend_from_slice(b"{\"jwt\":\"");
        body.extend_from_slice(jwt.as_bytes());
        body.extend_from_slice(b"\"}");
        Ok(Body::from(bytes::Bytes::from_owner(body)))
    }

    fn jwt(&self, now: SystemTime) -> Result<Zeroizing<String>, CredentialError> {
        let issued = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_err(|_| CredentialError::new("this machine's clock is before 1970"))?
            .as_secs();
        let header = json!({ "typ": "JWT", "alg": "PS256", "kid": self.key.id });
        let claims = json!({
            "iss": self.key.service_account_id,
            "aud": self.audience,
            "iat": issued,
            "exp": issued + LIFETIME.as_secs(),
        });
        let pair: &RsaKeyPair = &self.key.pair;
        let mut signature = vec![0; pair.public_modulus_len()];
        let said = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        pair.sign(
            &RSA_PSS_SHA256,
            &SystemRandom::new(),
            said.as_bytes(),
            &mut signature,
        )
        .map_err(|_| CredentialError::new("the key of the service account cannot sign"))?;
        // The JWT is a secret only with its signature.
        let signature = Zeroizing::new(encode(signature));
        let mut jwt = Zeroizing::new(String::with_capacity(said.len() + 1 + signature.len()));
        jwt.push_str(&said);
        jwt.push('.');
        jwt.push_str(&signature);
        Ok(jwt)
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aws_lc_rs::{
        encoding::{AsDer as _, Pkcs8V1Der},
        rsa::KeySize,
        signature::{KeyPair as _, ParsedPublicKey, RSA_PSS_2048_8192_SHA256},
    };
    use base64::engine::general_purpose::STANDARD;
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_statement_is_signed_and_has_issuer_audience_and_expiry() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(der.as_ref())
        );
        let file = json!({ "id": "k1", "service_account_id": "sa1", "private_key": pem });
        let key = ServiceAccountKey::from_json(&file.to_string()).unwrap();
        let signer = Signer::new(key, "https://tokens.example/");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let jwt = signer.jwt(now).unwrap();

        let (said, signature) = jwt.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let public = pair.public_key().as_ref();
        let public = ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, public).unwrap();
        public.verify_sig(said.as_bytes(), &signature).unwrap();
        public.verify_sig(b"another", &signature).unwrap_err();

        let (header, claims) = said.split_once('.').unwrap();
        let read = |part: &str| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!(
            read(header),
            json!({ "typ": "JWT", "alg": "PS256", "kid": "k1" })
        );
        assert_eq!(
            read(claims),
            json!({
                "iss": "sa1",
                "aud": "https://tokens.example/",
                "iat": 1_700_000_000,
                "exp": 1_700_000_360,
            })
        );
    }
}
