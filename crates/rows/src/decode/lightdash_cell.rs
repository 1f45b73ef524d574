//! Lightdash's cells: `{"value": {"raw": …, "formatted": …}}`.

use crate::{
    columns::Cells,
    decode::cell::Cell,
    error::Result,
    json::lexer::{Lexer, Text},
    types::{ColumnType, TEXT},
};

/// Reads the requested form of a cell's value.
#[inline]
pub(crate) fn read<'de, T>(
    lex: &mut Lexer<'de, 'de>,
    declared: &ColumnType,
    cells: Cells,
    read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>,
) -> Result<T> {
    if cells == Cells::Raw && lex.literal(RAW) {
        lex.sink()?;
        lex.sink()?;
        let start = lex.position();
        let out = match read(Cell::new(lex, declared)) {
            Ok(out) => out,
            Err(error) => return Err(error.or_found(lex.sent(start))),
        };
        close(lex, start)?;
        return Ok(out);
    }
    let mut first = true;
    open(lex)?;
    if !seek(lex, "value", &mut first)? {
        return null(read);
    }
    if lex.peek()? == b'n' {
        lex.word("null")?;
        rest(lex, &mut first)?;
        return null(read);
    }
    open(lex)?;
    let out = match cells {
        Cells::Raw => raw(lex, declared, read),
        Cells::Formatted => formatted(lex, read),
    }?;
    rest(lex, &mut first)?;
    Ok(out)
}

/// The usual beginning of a cell.
pub(crate) const RAW: &[u8; 16] = b"{\"value\":{\"raw\":";
const FORMATTED: &[u8; 13] = b",\"formatted\":";

/// Skips a cell.
#[inline]
pub(crate) fn skip(lex: &mut Lexer<'_, '_>) -> Result<()> {
    if !lex.literal(RAW) {
        return lex.skip();
    }
    lex.sink()?;
    lex.sink()?;
    let start = lex.position();
    lex.skip()?;
    close(lex, start)
}

/// Leaves a cell after its raw value, which began at `start`.
#[inline]
fn close(lex: &mut Lexer<'_, '_>, start: usize) -> Result<()> {
    skip_formatted(lex, start)?;
    if lex.literal(b"}}") {
        lex.rise_to(lex.depth() - 2);
        return Ok(());
    }
    let mut first = false;
    rest(lex, &mut first)?;
    rest(lex, &mut first)
}

/// Leaves a cell whose nesting level was not counted.
#[inline]
pub(crate) fn close_taken(lex: &mut Lexer<'_, '_>, start: usize) -> Result<()> {
    skip_formatted(lex, start)?;
    if lex.literal(b"}}") {
        return Ok(());
    }
    lex.sink()?;
    lex.sink()?;
    let mut first = false;
    rest(lex, &mut first)?;
    rest(lex, &mut first)
}

/// Skips the formatted value, if it follows the raw one.
#[inline]
fn skip_formatted(lex: &mut Lexer<'_, '_>, start: usize) -> Result<()> {
    let end = lex.position();
    if !lex.literal(FORMATTED) {
        return Ok(());
    }
    // The formatted text is usually the same as the raw one.
    let raw = &lex.text.as_bytes()[start..end];
    let formatted = &lex.text.as_bytes()[lex.position()..];
    if raw.first() == Some(&b'"') && formatted.starts_with(raw) {
        lex.go_to(lex.position() + raw.len());
        return Ok(());
    }
    lex.skip()
}

fn raw<'de, T>(
    lex: &mut Lexer<'de, 'de>,
    declared: &ColumnType,
    read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>,
) -> Result<T> {
    let mut first = true;
    if !seek(lex, "raw", &mut first)? {
        return null(read);
    }
    let start = lex.position();
    let out = match read(Cell::new(lex, declared)) {
        Ok(out) => out,
        Err(error) => return Err(error.or_found(lex.sent(start))),
    };
    rest(lex, &mut first)?;
    Ok(out)
}

/// Lightdash formats NULL too, as `∅`, so the raw form decides whether the cell is NULL.
fn formatted<'de, T>(
    lex: &mut Lexer<'de, 'de>,
    read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>,
) -> Result<T> {
    let mut first = true;
    let mut is_null = false;
    let mut shown = None;
    while lex.next_item(&mut first, b'}')? {
        let quoted = lex.quoted()?;
        let name = lex.text(quoted)?;
        lex.expect(b':')?;
        match &*name {
            "raw" => is_null = lex.peek()? == b'n',
            "formatted" => shown = Some(lex.position()),
            _ => {}
        }
        lex.skip()?;
    }
    match shown {
        Some(start) if !is_null => read(Cell::new(&mut lex.moved_to(start), &TEXT))
            .map_err(|error| error.or_found(lex.sent(start))),
        _ => null(read),
    }
}

pub(crate) fn null<'de, T>(read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>) -> Result<T> {
    let null = Text::Short("null");
    read(Cell::new(&mut Lexer::inside(&null, 0), &TEXT))
}

fn open(lex: &mut Lexer<'_, '_>) -> Result<()> {
    if lex.peek()? != b'{' {
        return Err(lex.broken("a Lightdash cell should be {\"value\": {\"raw\": …}}"));
    }
    lex.open(b'{')
}

/// Moves to the value of the member `name`; if there is none, past the end of the object.
#[inline]
fn seek(lex: &mut Lexer<'_, '_>, name: &str, first: &mut bool) -> Result<bool> {
    while lex.next_item(first, b'}')? {
        let quoted = lex.quoted()?;
        let found = *lex.text(quoted)? == *name;
        lex.expect(b':')?;
        if found {
            return Ok(true);
        }
        lex.skip()?;
    }
    Ok(false)
}

fn rest(lex: &mut Lexer<'_, '_>, first: &mut bool) -> Result<()> {
    while lex.next_item(first, b'}')? {
        lex.quoted()?;
        lex.expect(b':')?;
        lex.skip()?;
    }
    Ok(())
}
