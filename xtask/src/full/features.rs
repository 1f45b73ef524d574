//! The tested combinations of features. Not every subset makes sense.

/// A package and its features, separated by commas. Default features are off.
pub(super) type Combination = (&'static str, &'static str);

/// The combinations that build on every platform, each without the default features.
pub(super) const COMBINATIONS: &[Combination] = &[
    ("rowfeed-rows", ""),
    ("rowfeed-rows", "schemars"),
    ("rowfeed-arrow", ""),
    ("rowfeed-arrow", "blocking"),
    ("rowfeed-arrow", "dune"),
    ("rowfeed-client", ""),
    ("rowfeed-client", "rustls"),
    ("rowfeed-client", "gzip"),
    ("rowfeed-client", "schemars"),
    ("rowfeed-client", "rustls,gzip,schemars"),
    ("rowfeed-dune", ""),
    ("rowfeed-dune", "rustls,gzip"),
    ("rowfeed-dune", "schemars"),
    ("rowfeed-lightdash", ""),
    ("rowfeed-lightdash", "rustls,gzip"),
    ("rowfeed-lightdash", "schemars"),
    // Each family without the others, because families share types.
    ("rowfeed-lightdash", "merge-queries"),
    ("rowfeed-lightdash", "explores"),
    ("rowfeed-lightdash", "project"),
    ("rowfeed-lightdash", "query-sources"),
    ("rowfeed-lightdash", "saved-charts"),
    (
        "rowfeed-lightdash",
        "merge-queries,explores,project,query-sources,saved-charts,schemars",
    ),
    ("rowfeed-yandex-query", ""),
    ("rowfeed-yandex-query", "rustls,gzip"),
    ("rowfeed-yandex-query", "schemars"),
    ("rowfeed-yandex-query", "service-account"),
    ("rowfeed-yandex-query", "service-account,rustls,schemars"),
    // Rows from files, without a service.
    ("rowfeed", ""),
    ("rowfeed", "dune"),
    ("rowfeed", "lightdash"),
    ("rowfeed", "yandex-query"),
    ("rowfeed", "dune,blocking"),
    ("rowfeed", "lightdash,blocking"),
    ("rowfeed", "lightdash-merge-queries"),
    ("rowfeed", "lightdash-explores"),
    ("rowfeed", "lightdash-saved-charts"),
    ("rowfeed", "yandex-query,blocking"),
    ("rowfeed", "dune,lightdash"),
    ("rowfeed", "dune,yandex-query"),
    ("rowfeed", "lightdash,yandex-query"),
    ("rowfeed", "dune,lightdash,yandex-query"),
    ("rowfeed", "service-account"),
    ("rowfeed", "schemars"),
    ("rowfeed", "yandex-query,schemars"),
    ("rowfeed", "dune,lightdash,yandex-query,rustls,gzip"),
    (
        "rowfeed",
        "dune,lightdash,yandex-query,rustls,gzip,blocking,service-account,schemars",
    ),
];

/// Every feature of every library except `native-tls`, which requires the system's OpenSSL.
pub(super) const EVERYTHING: &[&str] = &[
    "rowfeed/blocking,rowfeed/service-account,rowfeed/schemars",
    "rowfeed/lightdash-merge-queries,rowfeed/lightdash-explores,rowfeed/lightdash-saved-charts",
    "rowfeed-rows/schemars,rowfeed-arrow/blocking",
    "rowfeed-client/rustls,rowfeed-client/gzip,rowfeed-client/schemars",
    "rowfeed-dune/rustls,rowfeed-dune/gzip,rowfeed-dune/schemars",
    "rowfeed-lightdash/rustls,rowfeed-lightdash/gzip,rowfeed-lightdash/schemars",
    "rowfeed-lightdash/merge-queries,rowfeed-lightdash/explores,rowfeed-lightdash/project",
    "rowfeed-lightdash/query-sources,rowfeed-lightdash/saved-charts",
    "rowfeed-yandex-query/rustls,rowfeed-yandex-query/gzip,rowfeed-yandex-query/schemars",
    "rowfeed-yandex-query/service-account",
];

/// The combinations that need the TLS library of the operating system.
pub(super) const NATIVE_TLS: &[Combination] = &[
    ("rowfeed-client", "native-tls"),
    ("rowfeed-client", "native-tls,rustls"),
    ("rowfeed-dune", "native-tls"),
    ("rowfeed-lightdash", "native-tls"),
    ("rowfeed-yandex-query", "native-tls"),
    ("rowfeed", "dune,lightdash,yandex-query,native-tls,gzip"),
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{fs, path::Path};

    use toml_edit::DocumentMut;

    use super::*;

    /// After `cargo add rowfeed-dune`, the client can connect to the service.
    #[test]
    fn every_client_has_tls_and_gzip_by_default() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
        for folder in ["dune", "lightdash", "yandex-query", "rowfeed"] {
            let manifest = fs::read_to_string(crates.join(folder).join("Cargo.toml")).unwrap();
            let manifest: DocumentMut = manifest.parse().unwrap();
            let defaults = manifest["features"]["default"].as_array().unwrap();
            let defaults: Vec<_> = defaults.iter().filter_map(|item| item.as_str()).collect();
            for feature in ["rustls", "gzip"] {
                assert!(defaults.contains(&feature), "{folder}: {defaults:?}");
            }
        }
    }

    /// A new feature of a crate must be added to the combinations.
    #[test]
    fn every_feature_of_every_library_is_in_a_combination() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
        for (folder, package) in [
            ("client", "rowfeed-client"),
            ("dune", "rowfeed-dune"),
            ("lightdash", "rowfeed-lightdash"),
            ("yandex-query", "rowfeed-yandex-query"),
            ("rowfeed", "rowfeed"),
        ] {
            let manifest = fs::read_to_string(crates.join(folder).join("Cargo.toml")).unwrap();
            let manifest: DocumentMut = manifest.parse().unwrap();
            let features = manifest["features"].as_table().unwrap();
            let named: Vec<_> = COMBINATIONS
                .iter()
                .chain(NATIVE_TLS)
                .filter(|(name, _)| *name == package)
                .flat_map(|(_, features)| features.split(','))
                .filter(|feature| !feature.is_empty())
                .collect();
            let defaults: Vec<_> = match features.get("default").and_then(|item| item.as_array()) {
                Some(defaults) => defaults.iter().filter_map(|item| item.as_str()).collect(),
                None => Vec::new(),
            };
            for (feature, _) in features.iter().filter(|(name, _)| *name != "default") {
                assert!(
                    named.contains(&feature),
                    "{package}: no combination has {feature}"
                );
                let full = format!("{package}/{feature}");
                let is_on = defaults.contains(&feature)
                    || EVERYTHING
                        .iter()
                        .any(|list| list.split(',').any(|one| one == full));
                assert!(
                    is_on || feature == "native-tls",
                    "{full} is not in everything"
                );
            }
            for feature in named {
                assert!(features.contains_key(feature), "{package} has no {feature}");
            }
        }
    }
}
