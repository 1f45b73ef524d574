//! Cells whose Rust type is not known.

use serde::de::Visitor;

use crate::{
    decode::{
        cell::Cell,
        nested,
        number::{self, Integer},
        text::{visit_normal, visit_text},
    },
    error::Result,
    json::lexer::Text,
    types::{Encoding, LogicalType},
};

impl<'t, 'de> Cell<'_, 't, 'de> {
    /// serde does not say what is requested (flattened fields, untagged enums,
    /// `serde_json::Value`), so the declared type decides alone.
    pub(crate) fn any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if self.optionals > 0 {
            // NULL, whichever Optional is empty.
            let mut ahead = self.lex.clone();
            let mut levels = self.optionals;
            while levels > 0 && ahead.peek()? == b'[' {
                ahead.open(b'[')?;
                levels -= 1;
            }
            let is_null = levels < self.optionals && ahead.peek()? == b']';
            if is_null {
                self.lex.skip()?;
                return visitor.visit_unit();
            }
        }
        let entered = self.enter(&visitor)?;
        let out = match self.lex.peek()? {
            b'{' => return self.finish(entered, |cell| nested::map(cell, visitor, false)),
            b'[' => {
                let named = match self.declared.logical {
                    LogicalType::Map(_) => self.declared.encoding == Encoding::Pairs,
                    LogicalType::Variant(_) => true,
                    _ => false,
                };
                return self.finish(entered, |cell| match named {
                    true => nested::map(cell, visitor, false),
                    false => nested::seq(cell, visitor),
                });
            }
            b'"' => {
                let quoted = self.lex.quoted()?;
                let text = self.lex.text(quoted)?;
                self.any_text(text, visitor)
            }
            b'n' => {
                self.lex.word("null")?;
                visitor.visit_unit()
            }
            b't' => {
                self.lex.word("true")?;
                visitor.visit_bool(true)
            }
            b'f' => {
                self.lex.word("false")?;
                visitor.visit_bool(false)
            }
            _ => {
                let number = self.lex.number()?;
                let text = Text::Short(number.text);
                match self.declared.logical {
                    LogicalType::Decimal { .. } => visit_text(text, visitor),
                    LogicalType::Float { .. } => any_float(text, visitor),
                    LogicalType::Integer { .. } => any_integer(text, visitor),
                    _ if number.whole => any_integer(text, visitor),
                    _ if number.is_longer_than_a_float() => visit_text(text, visitor),
                    _ => any_float(text, visitor),
                }
            }
        }?;
        Self::leave(self.lex, entered)?;
        Ok(out)
    }

    fn any_text<V: Visitor<'de>>(&self, text: Text<'t, 'de>, visitor: V) -> Result<V::Value> {
        match self.declared.logical {
            LogicalType::Integer { .. } | LogicalType::Number => any_integer(text, visitor),
            LogicalType::Float { .. } => any_float(text, visitor),
            LogicalType::Boolean if matches!(&*text, "true" | "t") => visitor.visit_bool(true),
            LogicalType::Boolean if matches!(&*text, "false" | "f") => visitor.visit_bool(false),
            _ => visit_normal(text, self.declared, self.form, visitor),
        }
    }
}

fn any_integer<'de, V: Visitor<'de>>(digits: Text<'_, 'de>, visitor: V) -> Result<V::Value> {
    match number::integer(&digits) {
        Ok(Integer::I64(value)) => visitor.visit_i64(value),
        Ok(Integer::U64(value)) => visitor.visit_u64(value),
        // serde has no wider integers here. The digits keep the value.
        _ => visit_text(digits, visitor),
    }
}

fn any_float<'de, V: Visitor<'de>>(digits: Text<'_, 'de>, visitor: V) -> Result<V::Value> {
    match number::float::<f64>(&digits) {
        // `serde_json::Value` would turn it into null.
        Some(value) if !value.is_finite() && is_json_value::<V::Value>() => {
            visit_text(digits, visitor)
        }
        Some(value) => visitor.visit_f64(value),
        None => visit_text(digits, visitor),
    }
}

/// Returns whether a visitor builds a `serde_json::Value`, which has no numbers that are not
/// finite. Only the name of the type is known here. Under another name such a number becomes null.
fn is_json_value<T>() -> bool {
    std::any::type_name::<T>() == "serde_json::value::Value"
}
