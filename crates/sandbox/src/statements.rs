//! Splits a SQL text into statements.

/// Returns the statements of a text, each with its byte offset. Empty statements, and statements
/// that contain only comments, are left out.
pub(crate) fn split(sql: &str) -> Vec<(usize, &str)> {
    let bytes = sql.as_bytes();
    let mut parts = Vec::new();
    let (mut start, mut at, mut has_content) = (0, 0, false);
    while at < bytes.len() {
        match bytes[at] {
            b';' => {
                if has_content {
                    parts.push((start, &sql[start..at]));
                }
                at += 1;
                start = at;
                has_content = false;
            }
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at = end_of(bytes, at + 2, b"\n");
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = end_of(bytes, at + 2, b"*/");
            }
            quote @ (b'\'' | b'"' | b'`') => {
                has_content = true;
                at = end_of(bytes, at + 1, &[quote]);
            }
            byte => {
                has_content |= !byte.is_ascii_whitespace();
                at += 1;
            }
        }
    }
    if has_content {
        parts.push((start, &sql[start..]));
    }
    parts
}

/// Returns the line and the column of a byte offset, both from 1. Columns count characters.
pub(crate) fn position(sql: &str, offset: usize) -> (u64, u64) {
    let mut offset = offset.min(sql.len());
    while !sql.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &sql[..offset];
    let line = before.matches('\n').count() as u64 + 1;
    let last_line = before.rsplit('\n').next().unwrap_or_default();
    (line, last_line.chars().count() as u64 + 1)
}

fn end_of(bytes: &[u8], from: usize, mark: &[u8]) -> usize {
    bytes
        .get(from..)
        .and_then(|rest| rest.windows(mark.len()).position(|window| window == mark))
        .map_or(bytes.len(), |found| from + found + mark.len())
}

#[cfg(test)]
mod tests {
    use super::{position, split};

    #[test]
    fn a_semicolon_in_a_quote_or_a_comment_does_not_split() {
        let sql = "select ';' -- one; two\n; /* ; */ select \"a;b\" ; ; -- end";
        let texts: Vec<&str> = split(sql)
            .into_iter()
            .map(|(_, text)| text.trim())
            .collect();
        assert_eq!(texts, ["select ';' -- one; two", "/* ; */ select \"a;b\""]);
        assert!(split(" ; -- nothing").is_empty());
        assert!(split("").is_empty());
    }

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        assert_eq!(position("select x", 7), (1, 8));
        assert_eq!(position("select\n  'ж', x", 15), (2, 8));
        assert_eq!(position("a", 99), (1, 2));
    }
}
