//! Writing the open enums: each an invocation of `progenitor_client::open_enum!`.

use std::fmt::Write as _;

use super::rewrite::Gates;
use crate::normalise::OpenEnum;

/// The module that holds them, as text; the `types` module shows them as its own.
pub(super) fn write(enums: &[OpenEnum], gates: &Gates) -> String {
    let mut out = String::new();
    for open in enums {
        let Some(features) = gates.get(&open.name) else {
            continue;
        };
        out.push('\n');
        if !features.is_empty() {
            let features: Vec<_> = features
                .iter()
                .map(|f| format!("feature = \"{f}\""))
                .collect();
            let condition = match features.as_slice() {
                [one] => one.clone(),
                many => format!("any({})", many.join(", ")),
            };
            let _ = writeln!(out, "    #[cfg({condition})]");
        }
        out.push_str("    progenitor_client::open_enum! {\n");
        let words = open.description.as_deref();
        let default = format!(
            "`{}`: a value among those known, or one of tomorrow's.",
            open.name
        );
        doc(&mut out, 8, words.unwrap_or(&default));
        let _ = writeln!(out, "        pub enum {} {{", open.name);
        for value in &open.values {
            let default = format!("`{}`.", value.wire);
            doc(
                &mut out,
                12,
                value.description.as_deref().unwrap_or(&default),
            );
            let _ = writeln!(out, "            {} = {:?},", value.variant, value.wire);
        }
        out.push_str("        }\n    }\n");
    }
    if out.is_empty() {
        return out;
    }
    format!(
        "\nmod enums {{{}}}\n",
        out.trim_start_matches('\n').replacen("    ", "\n    ", 1)
    )
}

fn doc(out: &mut String, indent: usize, words: &str) {
    for line in words.trim().lines() {
        let _ = writeln!(out, "{:indent$}/// {}", "", line.trim());
    }
}
