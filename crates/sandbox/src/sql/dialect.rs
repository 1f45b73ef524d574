//! Translates idioms of the services' SQL to SQLite.
//!
//! It covers common idioms: `OFFSET` before `LIMIT`, `TRY_CAST`, casts to times, intervals, and
//! `DATE '…'`. Offsets in the new text map to offsets in the original text.

use super::times::{CAST, SHIFT, TRY_CAST, is_unit};

/// The number of casts and intervals that are rewritten per statement. Each takes time proportional
/// to the length of the statement.
const MOST: usize = 200;

/// A translated statement.
#[derive(Debug)]
pub(super) struct Translated {
    pub(super) text: String,
    /// Whether it uses times in a way for which SQLite gives no declared type.
    pub(super) uses_times: bool,
    /// The start of each piece in the new and in the original text, and whether the piece is
    /// unchanged.
    places: Vec<(usize, usize, bool)>,
}

impl Translated {
    /// Maps an offset in the new text to the original text.
    pub(super) fn origin(&self, offset: usize) -> usize {
        let index = self.places.partition_point(|(new, ..)| *new <= offset);
        match index.checked_sub(1).map(|index| self.places[index]) {
            Some((new, old, true)) => old + (offset - new),
            Some((_, old, false)) => old,
            None => 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Blanks and comments.
    Gap,
    Word,
    /// A name in quotes.
    Name,
    Text,
    Number,
    Sign,
    /// A whole operand, already translated.
    Operand,
}

#[derive(Clone, Debug)]
struct Piece {
    kind: Kind,
    text: String,
    /// The offset in the original text.
    at: usize,
    is_same: bool,
}

impl Piece {
    fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    fn is_sign(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    fn made(kind: Kind, text: String, at: usize) -> Self {
        Self {
            kind,
            text,
            at,
            is_same: false,
        }
    }
}

pub(super) fn translate(sql: &str) -> Translated {
    let pieces = pieces(sql);
    let mut uses_times = pieces.iter().any(|piece| {
        [
            "date_trunc",
            "now",
            "currentutctimestamp",
            "currentutcdatetime",
            "currentutcdate",
        ]
        .iter()
        .any(|name| piece.is(name))
    });
    let mut out: Vec<Piece> = Vec::new();
    // the open parentheses; the value is the position of those of a cast
    let mut open: Vec<Option<usize>> = Vec::new();
    let mut rewritten = 0;
    let mut at = 0;
    while at < pieces.len() {
        let piece = &pieces[at];
        if piece.is("interval")
            && rewritten < MOST
            && let Some((used, count, unit)) = interval(&pieces, at)
            && shift(&mut out, &count, &unit)
        {
            uses_times = true;
            rewritten += 1;
            at = used;
        } else if (piece.is("date") || piece.is("timestamp"))
            && next(&pieces, at).is_some_and(|after| pieces[after].kind == Kind::Text)
        {
            // the literal has the format of the value
            uses_times = true;
            out.push(Piece::made(
                Kind::Gap,
                " ".repeat(piece.text.len()),
                piece.at,
            ));
            at += 1;
        } else if piece.is("offset") || piece.is("fetch") || piece.is("limit") {
            at = limit(&pieces, at, &mut out);
        } else {
            if piece.is_sign("(") {
                let name = last(&out, out.len()).map(|name| &out[name]);
                let is_cast = name.is_some_and(|name| name.is("cast") || name.is("try_cast"));
                open.push((is_cast && rewritten < MOST).then_some(out.len()));
                rewritten += usize::from(is_cast);
            }
            out.push(piece.clone());
            at += 1;
            if piece.is_sign(")")
                && let Some(Some(open)) = open.pop()
            {
                uses_times |= cast(&mut out, open);
            }
        }
    }
    let mut text = String::new();
    let mut places = Vec::new();
    for piece in out {
        places.push((text.len(), piece.at, piece.is_same));
        text.push_str(&piece.text);
    }
    Translated {
        text,
        uses_times,
        places,
    }
}

/// Returns the offset of a YQL name such as `$x`, outside quotes and comments.
pub(super) fn named_expression(sql: &str) -> Option<usize> {
    let pieces = pieces(sql);
    let found = pieces
        .windows(2)
        .find(|pair| pair[0].is_sign("$") && pair[1].kind == Kind::Word);
    found.map(|pair| pair[0].at)
}

fn pieces(sql: &str) -> Vec<Piece> {
    let bytes = sql.as_bytes();
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let kind = match bytes[at] {
            b'\'' => {
                at = quoted(bytes, at);
                Kind::Text
            }
            b'"' | b'`' => {
                at = quoted(bytes, at);
                Kind::Name
            }
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at = sql[at..].find('\n').map_or(bytes.len(), |end| at + end);
                Kind::Gap
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = sql[at + 2..]
                    .find("*/")
                    .map_or(bytes.len(), |end| at + end + 4);
                Kind::Gap
            }
            byte if byte.is_ascii_whitespace() => {
                at = end_of(bytes, at, |byte| byte.is_ascii_whitespace());
                Kind::Gap
            }
            byte if byte.is_ascii_digit() => {
                at = end_of(bytes, at, |byte| {
                    byte.is_ascii_alphanumeric() || byte == b'.'
                });
                Kind::Number
            }
            byte if is_of_word(byte) => {
                at = end_of(bytes, at, is_of_word);
                Kind::Word
            }
            _ => {
                at += 1;
                Kind::Sign
            }
        };
        pieces.push(Piece {
            kind,
            text: sql[start..at].to_owned(),
            at: start,
            is_same: true,
        });
    }
    pieces
}

/// Every byte of a non-ASCII character belongs to a word, so that no character is split.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

fn end_of(bytes: &[u8], from: usize, inside: impl Fn(u8) -> bool) -> usize {
    let length = bytes[from..]
        .iter()
        .take_while(|byte| inside(**byte))
        .count();
    from + length
}

/// Returns the end of a quoted text. A doubled quote gives two quoted pieces, which does not matter
/// here.
fn quoted(bytes: &[u8], from: usize) -> usize {
    let rest = bytes[from + 1..].iter();
    let end = rest.clone().position(|byte| *byte == bytes[from]);
    end.map_or(bytes.len(), |end| from + end + 2)
}

/// Returns the next piece that is not a gap.
fn next(pieces: &[Piece], at: usize) -> Option<usize> {
    (at + 1..pieces.len()).find(|index| pieces[*index].kind != Kind::Gap)
}

/// Returns the last piece before `end` that is not a gap.
fn last(pieces: &[Piece], end: usize) -> Option<usize> {
    (0..end)
        .rev()
        .find(|index| pieces[*index].kind != Kind::Gap)
}

/// Parses `interval '7' day` or `interval '7 days'`. Returns the position after it, the count and
/// the unit.
fn interval(pieces: &[Piece], at: usize) -> Option<(usize, i64, String)> {
    let value = next(pieces, at)?;
    let text = pieces[value].text.trim_matches('\'');
    if pieces[value].kind != Kind::Text {
        return None;
    }
    if let Some((count, unit)) = text.trim().split_once(' ') {
        let unit = unit.trim();
        return is_unit(unit).then_some((value + 1, count.parse().ok()?, unit.to_owned()));
    }
    let unit = next(pieces, value)?;
    let word = &pieces[unit].text;
    is_unit(word).then_some((unit + 1, text.trim().parse().ok()?, word.clone()))
}

/// Replaces the operand and the sign at the end of `out` by a call. Returns `false` if there are
/// none.
fn shift(out: &mut Vec<Piece>, count: &i64, unit: &str) -> bool {
    let Some(sign) = last(out, out.len()) else {
        return false;
    };
    let minus = match out[sign].text.as_str() {
        "+" => false,
        "-" => true,
        _ => return false,
    };
    let Some(start) = operand(out, sign) else {
        return false;
    };
    let count = if minus {
        count.saturating_neg()
    } else {
        *count
    };
    let parts: String = out[start..sign]
        .iter()
        .map(|piece| piece.text.as_str())
        .collect();
    let call = format!("{SHIFT}({}, {count}, '{unit}')", parts.trim());
    let at = out[start].at;
    out.truncate(start);
    out.push(Piece::made(Kind::Operand, call, at));
    true
}

/// Returns the start of the operand that ends before `end`: a name, a literal, a call, or
/// parentheses.
fn operand(out: &[Piece], end: usize) -> Option<usize> {
    let mut start = last(out, end)?;
    match out[start].kind {
        Kind::Operand | Kind::Text => return Some(start),
        Kind::Sign if out[start].text == ")" => {
            let mut depth = 0_usize;
            loop {
                if out[start].is_sign(")") {
                    depth += 1;
                } else if out[start].is_sign("(") {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                start = start.checked_sub(1)?;
            }
            // the name of a call comes directly before it
            match start.checked_sub(1) {
                Some(name) if out[name].kind == Kind::Word => start = name,
                _ => return Some(start),
            }
        }
        Kind::Word | Kind::Name => {}
        _ => return None,
    }
    while start >= 2
        && out[start - 1].is_sign(".")
        && matches!(out[start - 2].kind, Kind::Word | Kind::Name)
    {
        start -= 2;
    }
    Some(start)
}

/// Translates `OFFSET 5 LIMIT 3`, `OFFSET 5`, `FETCH FIRST 3 ROWS ONLY` and `LIMIT ALL`. Returns
/// the position of the next piece.
fn limit(pieces: &[Piece], at: usize, out: &mut Vec<Piece>) -> usize {
    let piece = &pieces[at];
    let keep = |out: &mut Vec<Piece>, until: usize| {
        out.extend(pieces[at..until].iter().cloned());
        until
    };
    let word = |from: Option<usize>, wanted: &[&str]| {
        from.filter(|index| wanted.iter().any(|word| pieces[*index].is(word)))
    };
    let number = |from: Option<usize>| from.filter(|index| pieces[*index].kind == Kind::Number);
    let after = |from: usize| next(pieces, from);
    if piece.is("limit") {
        if let Some(all) = word(after(at), &["all"]) {
            out.push(Piece::made(Kind::Operand, "LIMIT -1".to_owned(), piece.at));
            return all + 1;
        }
        // an OFFSET after it is unchanged
        let offset = number(after(at)).and_then(|number| word(after(number), &["offset"]));
        return keep(out, offset.map_or(at + 1, |offset| offset + 1));
    }
    if piece.is("fetch") {
        let first = word(after(at), &["first", "next"]).and_then(|first| number(after(first)));
        let rows = first.and_then(|count| word(after(count), &["row", "rows"]));
        let only = rows.and_then(|rows| word(after(rows), &["only"]));
        if let (Some(count), Some(only)) = (first, only) {
            let text = format!("LIMIT {}", pieces[count].text);
            out.push(Piece::made(Kind::Operand, text, piece.at));
            return only + 1;
        }
        return keep(out, at + 1);
    }
    let Some(offset) = number(after(at)) else {
        return keep(out, at + 1);
    };
    let rows = word(after(offset), &["row", "rows"]).unwrap_or(offset);
    let mut end = rows + 1;
    let mut most = "-1".to_owned();
    if let Some(limit) = word(after(rows), &["limit"])
        && let Some(count) = number(after(limit))
    {
        most.clone_from(&pieces[count].text);
        end = count + 1;
    }
    let text = format!("LIMIT {most} OFFSET {}", pieces[offset].text);
    out.push(Piece::made(Kind::Operand, text, piece.at));
    end
}

/// Replaces a TRY_CAST, or a CAST to a time, at the end of `out` by a function call. Its
/// parentheses open at `open`. Returns whether it was a cast to a time.
fn cast(out: &mut Vec<Piece>, open: usize) -> bool {
    let mut depth = 0_usize;
    let mut word_as = None;
    for (index, piece) in out.iter().enumerate().skip(open) {
        if piece.is_sign("(") {
            depth += 1;
        } else if piece.is_sign(")") {
            depth -= 1;
        } else if depth == 1 && piece.is("as") {
            word_as = Some(index);
        }
    }
    let Some(word_as) = word_as else {
        return false;
    };
    let Some(name) = last(out, open) else {
        return false;
    };
    let kind: String = out[word_as + 1..out.len() - 1]
        .iter()
        .map(|piece| piece.text.as_str())
        .collect();
    let kind = kind.trim();
    let first = kind.split(['(', ' ']).next().unwrap_or_default();
    let to_time = ["date", "timestamp", "datetime", "timestamptz"]
        .iter()
        .any(|time| first.eq_ignore_ascii_case(time));
    let function = match (out[name].is("try_cast"), out[name].is("cast") && to_time) {
        (true, _) => TRY_CAST,
        (_, true) => CAST,
        _ => return false,
    };
    let kind = kind.replace('\'', "");
    out[name] = Piece::made(Kind::Word, function.to_owned(), out[name].at);
    let at = out[word_as].at;
    out.truncate(word_as);
    out.push(Piece::made(Kind::Text, format!(", '{kind}'"), at));
    out.push(Piece::made(Kind::Sign, ")".to_owned(), at));
    to_time
}

#[cfg(test)]
mod tests {
    use super::{named_expression, translate};

    #[test]
    fn idioms_are_translated() {
        for (sql, expected) in [
            ("select 1", "select 1"),
            ("select 1 offset 5 limit 3", "select 1 LIMIT 3 OFFSET 5"),
            (
                "select 1 OFFSET 5 ROWS LIMIT 3",
                "select 1 LIMIT 3 OFFSET 5",
            ),
            ("select 1 limit 3 offset 5", "select 1 limit 3 offset 5"),
            ("select 1 offset 5", "select 1 LIMIT -1 OFFSET 5"),
            ("select 1 limit all", "select 1 LIMIT -1"),
            ("select 1 fetch first 2 rows only", "select 1 LIMIT 2"),
            ("select offset from t", "select offset from t"),
            (
                "select try_cast(x as bigint), cast(a as varchar)",
                "select sandbox_try_cast(x , 'bigint'), cast(a as varchar)",
            ),
            (
                "select try_cast(cast(a as date) as decimal(9, 2))",
                "select sandbox_try_cast(sandbox_cast(a , 'date') , 'decimal(9, 2)')",
            ),
            (
                "where t.at > now() - interval '7' day",
                "where t.at > sandbox_shift(now(), -7, 'day')",
            ),
            (
                "select a + interval '1 hour' - interval '2' minute",
                "select sandbox_shift(sandbox_shift(a, 1, 'hour'), -2, 'minute')",
            ),
            (
                "date_trunc('day', x) + interval '1' month",
                "sandbox_shift(date_trunc('day', x), 1, 'month')",
            ),
            ("date '2024-05-01'", "     '2024-05-01'"),
            (
                "select 'offset 5 limit 3' -- interval '1' day",
                "select 'offset 5 limit 3' -- interval '1' day",
            ),
            ("select \"date\" 'ж' as жук", "select \"date\" 'ж' as жук"),
            ("select 'open", "select 'open"),
            ("select ) as (", "select ) as ("),
            ("select cast(1 as date", "select cast(1 as date"),
        ] {
            assert_eq!(translate(sql).text, expected);
        }
    }

    #[test]
    fn offsets_map_to_the_original_text() {
        let sql = "select now() - interval '7' day, depth from t";
        let translated = translate(sql);
        let new = translated.text.find("depth").unwrap_or_default();
        assert_eq!(
            translated.origin(new),
            sql.find("depth").unwrap_or_default()
        );
        assert_eq!(translated.origin(0), 0);
        assert!(translated.uses_times);
        assert!(!translate("select 1").uses_times);
    }

    #[test]
    fn yql_names_are_found_outside_quotes() {
        assert_eq!(named_expression("select 1; $x = select 2"), Some(10));
        assert_eq!(named_expression("select '$x', \"$y\" -- $z"), None);
    }
}
