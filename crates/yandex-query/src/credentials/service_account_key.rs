use std::{fmt, io, path::Path};

use aws_lc_rs::signature::RsaKeyPair;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// An authorized key of a service account, as `yc iam key create` writes it: JSON with the fields
/// `id`, `service_account_id` and `private_key`.
///
/// `Debug` shows the ids, not the key. The text of the file is wiped after it is read, and the key
/// when it is dropped.
pub struct ServiceAccountKey {
    pub(super) id: String,
    pub(super) service_account_id: String,
    pub(super) pair: RsaKeyPair,
}

impl ServiceAccountKey {
    /// Reads a key file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not a key file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, InvalidServiceAccountKey> {
        let path = path.as_ref();
        let text = read(path).map_err(|error| {
            InvalidServiceAccountKey(format!("cannot be read from {}: {error}", path.display()))
        })?;
        Self::from_json(&text)
    }

    /// Reads the text of a key file. The caller wipes that text.
    ///
    /// # Errors
    ///
    /// The text is not a key file, or its private key is not an RSA key of 2048 to 8192 bits in
    /// PKCS#8.
    pub fn from_json(text: &str) -> Result<Self, InvalidServiceAccountKey> {
        // The error names the position in the text, and nothing of the text.
        let file: KeyFile<'_> = serde_json::from_str(text).map_err(|error| {
            InvalidServiceAccountKey(format!(
                "is not JSON with id, service_account_id and private_key: wrong at line {} \
                 column {}",
                error.line(),
                error.column()
            ))
        })?;
        for (name, id) in [
            ("id", &file.id),
            ("service_account_id", &file.service_account_id),
        ] {
            if id.is_empty() {
                return Err(InvalidServiceAccountKey(format!("has an empty {name}")));
            }
        }
        let der = der(file.private_key.get())?;
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| {
            InvalidServiceAccountKey(
                "has a private_key that is not an RSA key of 2048 to 8192 bits in PKCS#8"
                    .to_owned(),
            )
        })?;
        Ok(Self {
            id: file.id,
            service_account_id: file.service_account_id,
            pair,
        })
    }

    /// Returns the id of the service account that the key belongs to.
    #[must_use]
    pub fn service_account_id(&self) -> &str {
        &self.service_account_id
    }
}

#[derive(Deserialize)]
struct KeyFile<'a> {
    id: String,
    service_account_id: String,
    /// With quotation marks and escapes: removing them would leave a copy in memory.
    #[serde(borrow)]
    private_key: &'a RawValue,
}

fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(std::fs::read(path)?);
    let bytes = std::mem::take(&mut *bytes);
    String::from_utf8(bytes)
        .map(Zeroizing::new)
        .map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8")
        })
}

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// Decodes the text between the PEM lines of a JSON string. Yandex Cloud writes its own line before
/// the first PEM line, which strict PEM readers refuse.
fn der(pem: &str) -> Result<Zeroizing<Vec<u8>>, InvalidServiceAccountKey> {
    let lines = pem
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END));
    let Some((lines, _)) = lines else {
        return Err(InvalidServiceAccountKey(format!(
            "has a private_key without the lines {BEGIN:?} and {END:?}"
        )));
    };
    let no_base64 = || InvalidServiceAccountKey("has a private_key that is not base64".to_owned());
    let text = one_line(lines).ok_or_else(no_base64)?;
    let mut der = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let length = STANDARD
        .decode_slice(&*text, &mut der)
        .map_err(|_| no_base64())?;
    der.truncate(length);
    Ok(der)
}

/// Removes white space and the escapes of JSON.
fn one_line(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    // Reserved at once: a vector that grows leaves copies in memory.
    let mut line = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'\\' => match bytes.next()? {
                b'n' | b'r' | b't' => continue,
                b'u' => {
                    let mut digits = bytes.by_ref().take(4).map(|b| char::from(b).to_digit(16));
                    let code = digits.try_fold(0, |code, digit| Some(code * 16 + digit?));
                    u8::try_from(code?).ok()?
                }
                other => other,
            },
            other => other,
        };
        if !byte.is_ascii_whitespace() {
            line.push(byte);
        }
    }
    Some(line)
}

impl fmt::Debug for ServiceAccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccountKey")
            .field("id", &self.id)
            .field("service_account_id", &self.service_account_id)
            .field("private_key", &format_args!("***"))
            .finish()
    }
}

/// The reason why a key was refused. It never shows the private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidServiceAccountKey(String);

impl fmt::Display for InvalidServiceAccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key of the service account {}", self.0)
    }
}

impl std::error::Error for InvalidServiceAccountKey {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aws_lc_rs::{
        encoding::{AsDer as _, Pkcs8V1Der},
        rsa::KeySize,
    };

    use super::*;

    const HEAD: &str = "PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <k1>\\n";

    fn file(private_key: &str) -> String {
        format!(
            "{{\"id\":\"k1\",\"service_account_id\":\"sa1\",\"created_at\":\"2024-01-01T00:00:00Z\",\
             \"key_algorithm\":\"RSA_2048\",\"public_key\":\"p\",\"private_key\":\"{private_key}\"}}"
        )
    }

    fn pem(key: &[u8], line_end: &str) -> String {
        let text = STANDARD.encode(key);
        let lines: Vec<_> = text
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        format!(
            "{BEGIN}{line_end}{}{line_end}{END}{line_end}",
            lines.join(line_end)
        )
    }

    #[test]
    fn a_key_file_is_read_with_the_line_before_the_key_and_any_escapes() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        for line_end in ["\\n", "\\r\\n", " "] {
            let pem = pem(der.as_ref(), line_end);
            let slashes = pem.replace('/', "\\/");
            let codes = pem.replace('+', "\\u002B").replace('=', "\\u003d");
            for private_key in [format!("{HEAD}{pem}"), pem, slashes, codes] {
                let key = ServiceAccountKey::from_json(&file(&private_key)).unwrap();
                assert_eq!((key.id.as_str(), key.service_account_id()), ("k1", "sa1"));
                let shown = format!("{key:?}");
                assert!(shown.contains("***") && !shown.contains("MII"), "{shown}");
            }
        }
    }

    #[test]
    fn an_invalid_key_file_is_refused_without_being_shown() {
        let good = |key: &str| file(&format!("{BEGIN}\\n{key}\\n{END}\\n"));
        for (bad, why) in [
            (String::new(), "line 1 column 0"),
            ("hunter2".to_owned(), "line 1 column 1"),
            (
                "{\"id\":\"k1\",\"private_key\":\"hunter2\"}".to_owned(),
                "service_account_id",
            ),
            (file("hunter2"), "without the lines"),
            (file(&format!("{BEGIN}hunter2")), "without the lines"),
            (good("hunter2hunter2"), "not base64"),
            (good("hun\\u00e9"), "not base64"),
            (good("aHVudGVyMg=="), "not an RSA key"),
            (good("aHVudGVyMg==").replace("k1", ""), "an empty id"),
        ] {
            let error = ServiceAccountKey::from_json(&bad).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(why), "{why}: {shown}");
            assert!(
                !shown.contains("hunter2") && !shown.contains("aHVu"),
                "{shown}"
            );
        }
        let error = ServiceAccountKey::from_file("no/such/key.json").unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.contains("cannot be read from no/such/key.json"),
            "{shown}"
        );
    }
}
