//! Cells as text and as bytes.

use serde::de::Visitor;

use crate::{
    datetime::normal::{self, Wish},
    decode::{bytes, cell::Cell, enums::Alternatives},
    error::{DecodeError, Result},
    field::{self, Form},
    json::lexer::Text,
    types::{ColumnType, LogicalType},
};

impl<'de> Cell<'_, '_, 'de> {
    /// Passes the value to `visitor` as text: strings in normal form, other values as sent.
    #[inline]
    pub(crate) fn text<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        // Nearly all strings are text without escapes.
        if matches!(self.declared.logical, LogicalType::Text)
            && self.optionals == 0
            && self.form == Form::AsDeclared
            && let Some(text) = self.lex.plain_string()
        {
            return visitor.visit_borrowed_str(text);
        }
        let entered = self.enter(&visitor)?;
        let text = match self.lex.peek()? {
            b'"' => {
                let quoted = self.lex.quoted()?;
                self.lex.text(quoted)?
            }
            b'n' => {
                self.lex.word("null")?;
                return Err(DecodeError::null(&visitor));
            }
            b'[' => match Alternatives::of(self.declared).filter(|_| !self.form.is_as_sent()) {
                Some(alternatives) => alternatives.unit_name(self.lex, &visitor)?,
                None => self.lex.value()?,
            },
            b'{' => self.lex.value()?,
            _ => {
                let text = self.lex.value()?;
                Self::leave(self.lex, entered)?;
                return visit_text(text, visitor);
            }
        };
        Self::leave(self.lex, entered)?;
        visit_normal(text, self.declared, self.form, visitor)
    }

    /// Passes the decoded bytes of the text to `visitor`, or else those of the text itself.
    pub(crate) fn bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let entered = self.enter(&visitor)?;
        let start = self.lex.position();
        let out = match self.lex.peek()? {
            b'"' => {
                let quoted = self.lex.quoted()?;
                let text = self.lex.text(quoted)?;
                match bytes::decode(&text, self.declared) {
                    Ok(Some(bytes)) => visitor.visit_byte_buf(bytes),
                    Ok(None) => match text {
                        Text::Borrowed(text) => visitor.visit_borrowed_bytes(text.as_bytes()),
                        text => visitor.visit_bytes(text.as_bytes()),
                    },
                    Err(advice) => Err(self.unfit(start, &visitor, advice)),
                }
            }
            b'[' => {
                let list = Cell {
                    optionals: 0,
                    ..Cell::new(self.lex, self.declared)
                };
                let bytes: Vec<u8> = serde::Deserialize::deserialize(list)?;
                visitor.visit_byte_buf(bytes)
            }
            first => {
                self.lex.skip()?;
                let sent = self.lex.sent(start);
                match bytes::buffer(sent, self.declared).filter(|_| first == b'{') {
                    Some(bytes) => visitor.visit_byte_buf(bytes),
                    None => {
                        let advice = "only text and lists of bytes can be bytes";
                        Err(self.unfit(start, &visitor, advice))
                    }
                }
            }
        }?;
        Self::leave(self.lex, entered)?;
        Ok(out)
    }
}

pub(crate) fn visit_text<'de, V: Visitor<'de>>(
    text: Text<'_, 'de>,
    visitor: V,
) -> Result<V::Value> {
    match text {
        Text::Borrowed(text) => visitor.visit_borrowed_str(text),
        Text::Short(text) => visitor.visit_str(text),
        Text::Owned(text) => visitor.visit_string(text),
    }
}

/// Passes a string of this kind to `visitor` in its normal form.
#[inline]
pub(crate) fn visit_normal<'de, V: Visitor<'de>>(
    text: Text<'_, 'de>,
    declared: &ColumnType,
    form: Form,
    visitor: V,
) -> Result<V::Value> {
    let wish = match (form, &declared.logical) {
        (Form::Utf8, _) => {
            return match field::utf8_text(&text, declared) {
                Ok(Some(text)) => visitor.visit_string(text),
                Ok(None) => visit_text(text, visitor),
                Err(advice) => Err(DecodeError::cell(&visitor, &quote(&text), advice)),
            };
        }
        (Form::AsSent, _) => return visit_text(text, visitor),
        (Form::AssumeUtc, _) => Wish::Instant,
        (Form::Date, _) => Wish::Date,
        (Form::Civil, _) => Wish::Civil,
        (Form::AsDeclared, LogicalType::Time { .. }) => {
            let text = match text {
                Text::Borrowed(text) => Text::Borrowed(normal::time(text)),
                Text::Short(text) => Text::Short(normal::time(text)),
                Text::Owned(text) => Text::Owned(normal::time(&text).to_owned()),
            };
            return visit_text(text, visitor);
        }
        (Form::AsDeclared, _) => match Wish::of(declared) {
            Some(wish) => wish,
            None => return visit_text(text, visitor),
        },
    };
    if let Text::Borrowed(text) = text
        && let Some(date) = normal::plain_date(text, wish)
    {
        return visitor.visit_borrowed_str(date);
    }
    match normal::normalize(&text, wish) {
        Some(normal) => visitor.visit_str(normal.as_str()),
        None => visit_text(text, visitor),
    }
}

/// Quotes text for an error.
fn quote(text: &str) -> String {
    format!("{text:?}")
}
