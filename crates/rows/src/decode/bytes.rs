//! Bytes from text.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::types::{ColumnType, Encoding, LogicalType};

/// Decodes the bytes in `text`, in a column of this kind.
///
/// `0x…` is hexadecimal in every column except a base64 one, whatever its declared type: Lightdash
/// has no type for bytes, and Dune's addresses are often text. `None` means that the text is not
/// encoded.
pub(crate) fn decode(text: &str, declared: &ColumnType) -> Result<Option<Vec<u8>>, &'static str> {
    if declared.encoding == Encoding::Base64 {
        return STANDARD
            .decode(text)
            .map(Some)
            .map_err(|_| "this is not base64, which is how Yandex Query writes a String");
    }
    let digits = text.strip_prefix("0x").or_else(|| match declared.encoding {
        Encoding::Hex => text.strip_prefix("\\x"),
        _ => None,
    });
    let bytes = digits.and_then(hex);
    match (bytes, declared.encoding) {
        (None, Encoding::Hex) => {
            Err("these are not bytes in hexadecimal, `0x` and two digits each")
        }
        (bytes, _) => Ok(bytes),
    }
}

/// Decodes `{"type": "Buffer", "data": […]}`. Node writes bytes in this form, so Lightdash sends it
/// if a warehouse's driver returns bytes. Only for cells that are not declared as objects.
pub(crate) fn buffer(object: &str, declared: &ColumnType) -> Option<Vec<u8>> {
    #[derive(serde::Deserialize)]
    struct Buffer<'a> {
        #[serde(rename = "type", borrow)]
        kind: std::borrow::Cow<'a, str>,
        data: Vec<u8>,
    }
    let is_loose = matches!(
        declared.logical,
        LogicalType::Text | LogicalType::Undeclared | LogicalType::Unrecognized
    );
    is_loose.then_some(())?;
    let buffer: Buffer<'_> = serde_json::from_str(object).ok()?;
    (buffer.kind == "Buffer").then_some(buffer.data)
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = digits.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok())
        .collect()
}
