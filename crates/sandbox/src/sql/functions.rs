//! Replacements for SQLite functions whose running time grows with the product of their arguments,
//! and which cannot be interrupted.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error};

use super::limits::MAX_LENGTH;

/// The longest LIKE pattern in bytes.
const MAX_PATTERN: usize = 200;

pub(super) fn add(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    // `text LIKE pattern` calls like(pattern, text)
    for arguments in [2, 3] {
        connection.create_scalar_function("like", arguments, flags, |context| {
            let (Some(pattern), Some(value)) = (text(context, 0), text(context, 1)) else {
                return Ok(None);
            };
            if pattern.len() > MAX_PATTERN {
                return Err(wrong(format!(
                    "a LIKE pattern has at most {MAX_PATTERN} bytes"
                )));
            }
            let escape = match context.len() {
                2 => None,
                _ => match text(context, 2) {
                    Some(escape) if escape.chars().count() == 1 => escape.chars().next(),
                    Some(_) => return Err(wrong("ESCAPE takes a single character")),
                    None => return Ok(None),
                },
            };
            Ok(Some(is_like(&value, &pattern, escape)))
        })?;
    }
    connection.create_scalar_function("instr", 2, flags, |context| {
        Ok(match (text(context, 0), text(context, 1)) {
            (Some(value), Some(wanted)) => Some(match value.find(&wanted) {
                Some(at) => count(value[..at].chars().count()) + 1,
                None => 0,
            }),
            _ => None,
        })
    })?;
    connection.create_scalar_function("replace", 3, flags, |context| {
        let (Some(value), Some(from), Some(to)) =
            (text(context, 0), text(context, 1), text(context, 2))
        else {
            return Ok(None);
        };
        if from.is_empty() {
            return Ok(Some(value));
        }
        let times = value.matches(&from).count();
        let length = value.len() - times * from.len() + times.saturating_mul(to.len());
        if length > MAX_LENGTH {
            return Err(wrong("string or blob too big"));
        }
        Ok(Some(value.replace(&from, &to)))
    })
}

/// Returns an argument as text; `None` for NULL.
pub(super) fn text(context: &Context<'_>, index: usize) -> Option<String> {
    Some(match context.get_raw(index) {
        ValueRef::Null => return None,
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => crate::json::double(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
    })
}

pub(super) fn wrong(message: impl Into<String>) -> Error {
    Error::UserFunctionError(message.into().into())
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// One character of a pattern.
#[derive(Clone, Copy, PartialEq)]
enum Piece {
    Any,
    One,
    Is(char),
}

/// Returns whether a text matches a pattern of `%` and `_`. Matching is case-sensitive, as in all
/// three services. The time grows with the product of the lengths in the worst case; the pattern is
/// short.
fn is_like(value: &str, pattern: &str, escape: Option<char>) -> bool {
    let mut pieces = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        pieces.push(match character {
            _ if Some(character) == escape => match characters.next() {
                Some(escaped) => Piece::Is(escaped),
                None => return false,
            },
            '%' => Piece::Any,
            '_' => Piece::One,
            other => Piece::Is(other),
        });
    }
    let value: Vec<char> = value.chars().collect();
    let (mut at, mut piece) = (0, 0);
    // where to continue if the text after the last % does not match
    let mut back: Option<(usize, usize)> = None;
    while at < value.len() {
        match pieces.get(piece) {
            Some(Piece::Any) => {
                back = Some((piece, at));
                piece += 1;
            }
            Some(Piece::One) => {
                at += 1;
                piece += 1;
            }
            Some(Piece::Is(character)) if *character == value[at] => {
                at += 1;
                piece += 1;
            }
            _ => match back {
                Some((any, from)) => {
                    back = Some((any, from + 1));
                    at = from + 1;
                    piece = any + 1;
                }
                None => return false,
            },
        }
    }
    pieces[piece..].iter().all(|piece| *piece == Piece::Any)
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn patterns_match_as_in_sql() {
        for (value, pattern, expected) in [
            ("lagoon", "la%", true),
            ("lagoon", "LA%", false),
            ("lagoon", "%o_n", true),
            ("lagoon", "%oo%", true),
            ("lagoon", "_agoo", false),
            ("", "%", true),
            ("", "_", false),
            ("Größe", "Gr__e", true),
            ("a%b", "a!%b", true),
            ("axb", "a!%b", false),
        ] {
            assert_eq!(
                is_like(value, pattern, Some('!')),
                expected,
                "{value} {pattern}"
            );
        }
        // naive backtracking would not end
        let (value, pattern) = ("a".repeat(20_000), format!("{}b", "%a".repeat(50)));
        assert!(!is_like(&value, &pattern, None));
    }
}
