use serde::{Deserialize, Deserializer};

/// Decodes `null` as the empty value. Generated types use it for their collections, since services
/// written in Go send `null` for an empty list.
///
/// # Errors
///
/// The value is neither `null` nor a `T`.
pub fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Page {
        #[serde(deserialize_with = "super::null_as_default")]
        items: Vec<i64>,
    }

    #[test]
    fn null_is_empty_and_missing_is_not() {
        let page = |text| serde_json::from_str::<Page>(text);
        assert!(page(r#"{"items": null}"#).unwrap().items.is_empty());
        assert_eq!(page(r#"{"items": [1]}"#).unwrap().items, [1]);
        assert!(page("{}").is_err());
    }
}
