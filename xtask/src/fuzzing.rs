//! Properties of every document and overlay: xtask accepts it or returns a useful error, and never
//! panics. The tests below run them on random input, and so does `cargo fuzz` in `fuzz/`.

use std::path::Path;

use crate::{document, lower, normalize, overlay, upstream::Keep, vendor};

/// A document and an overlay, separated by NUL.
pub(crate) fn documents(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let (document, changes) = (parts.next().unwrap_or_default(), parts.next());
    for name in ["openapi.json", "openapi.yaml"] {
        let Ok(mut document) = document::parse(Path::new(name), document) else {
            continue;
        };
        let mut lowered = document.clone();
        if let Err(error) = lower::lower(&mut lowered) {
            assert!(!error.to_string().is_empty());
        }
        if let Ok(facts) = vendor::facts(&lowered, &Keep::All) {
            if let Err(error) = lower::refuse_what_is_left(&facts) {
                assert!(error.to_string().contains("OpenAPI 3.1"), "{error:#}");
            }
            // Vendoring is idempotent.
            let again = vendor::facts(&facts, &Keep::All).map_err(|error| format!("{error:#}"));
            assert_eq!(again, Ok(facts));
        }
        let path = Path::new("overlay.yaml");
        if let Some(Ok(changes)) = changes.map(|changes| document::parse(path, changes))
            && let Err(error) = overlay::apply_parsed(&mut document, changes, path)
        {
            assert!(error.to_string().starts_with("overlay.yaml: "), "{error:#}");
        }
        if let Err(error) = normalize::normalize(&mut document) {
            assert!(!error.to_string().is_empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::documents;

    const DOCUMENT: &str = r##"{"openapi":"3.0.3","info":{"title":"t","version":"1"},"servers":[{"url":"/"}],
"paths":{"/a/{id}":{"get":{"operationId":"getA","parameters":[{"name":"id","in":"path","required":true,
"schema":{"type":"string"}}],"responses":{"200":{"description":"","content":{"application/json":{"schema":
{"$ref":"#/components/schemas/A"}}}},"default":{"description":"","content":{"application/json":{"schema":
{"type":"object","properties":{"e":{"type":"string"}}}}}}}}}},"components":{"schemas":{"A":{"type":"object",
"required":["n"],"properties":{"n":{"type":"number","format":"double"},"s":{"anyOf":[{"type":"string",
"enum":["x"]},{"type":"string","enum":["y"]}]},"a":{"type":"array","items":{"$ref":"#/components/schemas/A"}}}}}}}"##;
    const OVERLAY: &str = "overlay: 1.0.0\ninfo: {title: t, version: '1'}\nactions:\n  - target: \
                           $.components.schemas.A.properties.n\n    update: {type: integer}\n  - \
                           target: $..[?@.type == 'array']\n    remove: true\n";

    /// A small deterministic random number generator.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ((self.0 >> 33) as usize) % end.max(1)
        }
    }

    #[test]
    fn damaged_documents_are_refused_or_accepted() {
        damaged(DOCUMENT);
    }

    #[test]
    fn damaged_3_1_documents_are_refused_or_accepted() {
        let newer = DOCUMENT
            .replace("3.0.3", "3.1.0")
            .replace(r#""type":"number""#, r#""type":["number","string","null"]"#)
            .replace(
                r#""enum":["x"]"#,
                r#""const":"x","$defs":{"D":{"type":"null"}}"#,
            );
        assert!(newer.contains("$defs") && newer.contains("null"));
        damaged(&newer);
    }

    fn damaged(document: &str) {
        let whole = format!("{document}\0{OVERLAY}").into_bytes();
        documents(&whole);
        let mut random = Random(7);
        for _ in 0..2_000 {
            let mut bytes = whole.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len());
                match random.below(4) {
                    0 => bytes.truncate(at),
                    1 if at < bytes.len() => drop(bytes.remove(at)),
                    2 if at < bytes.len() => {
                        // A copy of another part.
                        let from = random.below(bytes.len());
                        let part: Vec<u8> = bytes[from..].iter().take(40).copied().collect();
                        bytes.splice(at..at, part);
                    }
                    _ => bytes.insert(at, b"\"{}[]:,.$@*?0-\n "[random.below(16)]),
                }
            }
            documents(&bytes);
        }
    }
}
